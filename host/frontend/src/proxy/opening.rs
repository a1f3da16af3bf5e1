//! How a frontend begins to speak.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What a client of HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most bytes that are told of what it says instead.
const SHOWN: usize = 200;

/// How long the rest of that is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// A stream that looks at its first bytes: where they are no HTTP/2, it fails, and keeps what they are.
pub(super) struct Opening<S> {
    stream: S,
    /// The first bytes that came.
    said: Vec<u8>,
    /// Where they are no HTTP/2: until when more is read.
    until: Option<Pin<Box<Sleep>>>,
    instead: Instead,
}

/// What a frontend said instead of HTTP/2, in one line and in quotes.
pub(super) type Instead = Arc<OnceLock<String>>;

impl<S> Opening<S> {
    /// Returns the stream, and where it keeps what is said instead.
    pub(super) fn new(stream: S) -> (Self, Instead) {
        let instead = Instead::default();
        (Self { stream, said: Vec::new(), until: None, instead: instead.clone() }, instead)
    }

    fn begun(&self) -> bool {
        self.said.len() >= PREFACE.len()
    }

    /// Nobody has to hear an answer before there was a question. Who has gone without one may have said why, and that
    /// has still to be read.
    fn bear<T>(&self, written: Poll<io::Result<T>>, instead: T) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe && !self.begun() => {
                Poll::Ready(Ok(instead))
            }
            other => other,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.until.is_none() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            if self.begun() {
                return Poll::Ready(Ok(()));
            }
            self.said.extend_from_slice(buffer.filled().get(before..).unwrap_or_default());
            if self.said.iter().zip(PREFACE).all(|(said, wanted)| said == wanted) {
                return Poll::Ready(Ok(()));
            }
        }
        ready!(self.poll_rest(context));
        let text = String::from_utf8_lossy(&self.said);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        _ = self.instead.set(format!("{line:?}"));
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }
}

impl<S: AsyncRead + Unpin> Opening<S> {
    /// Reads what else is said, for a while.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.said.len() < SHOWN {
            let mut more = [0; SHOWN];
            let mut buffer = ReadBuf::new(more.get_mut(self.said.len()..).unwrap_or_default());
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.said.extend_from_slice(buffer.filled()),
                Poll::Ready(_) => break,
                Poll::Pending => {
                    return self.until.get_or_insert_with(|| Box::pin(sleep(PATIENCE))).as_mut().poll(context);
                }
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bear(written, bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.bear(flushed, ())
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
        self.bear(written, pieces.iter().map(|piece| piece.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
