//! The first bytes of a frontend: HTTP/2, or an error message on its standard output.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The first bytes of every HTTP/2 client.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most bytes that are kept of other first bytes.
const SHOWN: usize = 200;

/// How long the check waits for the rest of an error message.
const PATIENCE: Duration = Duration::from_millis(200);

/// A stream that checks its first bytes. Where they are not HTTP/2, reading fails and the bytes are kept.
pub(super) struct PrefaceCheck<S> {
    stream: S,
    /// The first bytes.
    first: Vec<u8>,
    /// Until when the check reads more of an error message.
    until: Option<Pin<Box<Sleep>>>,
    not_http2: NotHttp2,
}

/// The first line that a frontend wrote in the place of HTTP/2, in quotes.
pub(super) type NotHttp2 = Arc<OnceLock<String>>;

impl<S> PrefaceCheck<S> {
    /// Returns the checked stream, and the cell for the first line of a frontend without HTTP/2.
    pub(super) fn new(stream: S) -> (Self, NotHttp2) {
        let not_http2 = NotHttp2::default();
        (Self { stream, first: Vec::new(), until: None, not_http2: not_http2.clone() }, not_http2)
    }

    fn is_checked(&self) -> bool {
        self.first.len() >= PREFACE.len()
    }

    /// Hides a broken pipe before the first call: a frontend that has ended may have written why, and that is still to be
    /// read.
    fn hide_broken_pipe<T>(&self, written: Poll<io::Result<T>>, hidden: T) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe && !self.is_checked() => {
                Poll::Ready(Ok(hidden))
            }
            other => other,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PrefaceCheck<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.until.is_none() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            if self.is_checked() {
                return Poll::Ready(Ok(()));
            }
            self.first.extend_from_slice(buffer.filled().get(before..).unwrap_or_default());
            if self.first.iter().zip(PREFACE).all(|(found, wanted)| found == wanted) {
                return Poll::Ready(Ok(()));
            }
        }
        ready!(self.poll_rest(context));
        let text = String::from_utf8_lossy(&self.first);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        _ = self.not_http2.set(format!("{line:?}"));
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }
}

impl<S: AsyncRead + Unpin> PrefaceCheck<S> {
    /// Reads more of the message, for a limited time.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.first.len() < SHOWN {
            let mut more = [0; SHOWN];
            let mut buffer = ReadBuf::new(more.get_mut(self.first.len()..).unwrap_or_default());
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.first.extend_from_slice(buffer.filled()),
                Poll::Ready(_) => break,
                Poll::Pending => {
                    return self.until.get_or_insert_with(|| Box::pin(sleep(PATIENCE))).as_mut().poll(context);
                }
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PrefaceCheck<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.hide_broken_pipe(written, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.hide_broken_pipe(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.hide_broken_pipe(written, pieces.iter().map(|piece| piece.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
