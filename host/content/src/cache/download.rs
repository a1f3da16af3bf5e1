//! Downloads of large content to the disk, with any number of readers.
//!
//! One task downloads the content as fast as the source sends it. Readers follow it in the file, each at its own
//! speed; a slow reader delays no other one, and needs no memory. When the last reader is gone, the task ends, and
//! incomplete content is removed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use refkit_oci::Descriptor;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn_blocking};

use crate::disk::Sink;
use crate::{Body, Error, Origin, verify};

/// The bytes of one read: 64 KiB.
const PIECE: u64 = 64 << 10;

type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// Requests the content again from the source, if the disk cannot store it.
type Again = BoxFuture<'static, Result<Body, Error>>;

/// A download.
pub(super) struct Download {
    origin: Origin,
    file: Arc<File>,
    progress: watch::Receiver<Progress>,
    driver: AbortHandle,
}

#[derive(Clone, Default)]
struct Progress {
    written: u64,
    end: Option<End>,
}

#[derive(Clone)]
enum End {
    /// The content is complete and verified.
    Done,
    /// The source failed, or its content did not match the digest.
    Failed(Error),
    /// The file can no longer be written; the readers have to request the content from the source.
    Lost,
}

impl Download {
    /// Starts the download of content to the disk.
    pub fn start(descriptor: &Descriptor, body: Body, sink: Sink) -> io::Result<Self> {
        let file = Arc::new(sink.file()?);
        let Body { origin, stream } = verify::verified(descriptor, body);
        let (tell, progress) = watch::channel(Progress::default());
        let driver = tokio::spawn(drive(stream, sink, tell)).abort_handle();
        Ok(Self { origin, file, progress, driver })
    }

    /// Returns whether a new reader can read all of the content here.
    pub fn is_of_use(&self) -> bool {
        matches!(self.progress.borrow().end, None | Some(End::Done))
    }

    /// Returns a reader that starts at the first byte.
    pub fn body(self: Arc<Self>, again: Again) -> Body {
        let origin = self.origin.clone();
        let reader = Reader { progress: self.progress.clone(), download: self, offset: 0, again: Some(again) };
        let pieces = stream::unfold(From::File(reader), |from| async {
            match from {
                From::File(reader) => reader.next().await,
                From::Source(mut pieces) => Some((pieces.next().await?, From::Source(pieces))),
                From::Nothing => None,
            }
        });
        Body { origin, stream: pieces.boxed() }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn drive(mut pieces: Pieces, mut sink: Sink, tell: watch::Sender<Progress>) {
    let end = loop {
        match pieces.next().await {
            // The last piece arrives only after the whole content is verified.
            Some(Ok(piece)) => {
                if !sink.take(&piece).await {
                    break End::Lost;
                }
                tell.send_modify(|progress| progress.written += piece.len() as u64);
            }
            Some(Err(error)) => break End::Failed(error),
            None => break End::Done,
        }
    };
    tell.send_modify(|progress| progress.end = Some(end));
}

/// The source of the next piece.
enum From {
    File(Reader),
    Source(Pieces),
    Nothing,
}

struct Reader {
    download: Arc<Download>,
    progress: watch::Receiver<Progress>,
    offset: u64,
    again: Option<Again>,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Bytes, Error>, From)> {
        loop {
            let Progress { written, end } = self.progress.borrow_and_update().clone();
            if self.offset < written {
                let file = Arc::clone(&self.download.file);
                return match read(file, self.offset, written - self.offset).await {
                    Ok(piece) => {
                        self.offset += piece.len() as u64;
                        Some((Ok(piece), From::File(self)))
                    }
                    Err(_) => self.ask_again().await,
                };
            }
            match end {
                Some(End::Done) => return None,
                Some(End::Failed(error)) => return Some((Err(error), From::Nothing)),
                Some(End::Lost) => return self.ask_again().await,
                None if self.progress.changed().await.is_ok() => {}
                None => return self.ask_again().await,
            }
        }
    }

    /// Continues with the source's new response, behind the bytes that the reader has.
    async fn ask_again(self) -> Option<(Result<Bytes, Error>, From)> {
        let mut pieces = match self.again?.await {
            Ok(body) => body.stream,
            Err(error) => return Some((Err(error), From::Nothing)),
        };
        let mut skip = self.offset;
        loop {
            match pieces.next().await? {
                Ok(piece) if piece.len() as u64 <= skip => skip -= piece.len() as u64,
                Ok(mut piece) => return Some((Ok(piece.split_off(skip as usize)), From::Source(pieces))),
                Err(error) => return Some((Err(error), From::Nothing)),
            }
        }
    }
}

async fn read(file: Arc<File>, offset: u64, left: u64) -> io::Result<Bytes> {
    let read = move || {
        let mut piece = vec![0; left.min(PIECE) as usize];
        file.read_exact_at(&mut piece, offset)?;
        Ok(Bytes::from(piece))
    };
    spawn_blocking(read).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
