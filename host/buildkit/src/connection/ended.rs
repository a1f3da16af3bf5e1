//! The end of a connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

/// The error that ended a connection.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the connection broke: {}", innermost(&**.0))]
pub struct ConnectionError(Arc<hyper::Error>);

impl From<hyper::Error> for ConnectionError {
    fn from(error: hyper::Error) -> Self {
        Self(Arc::new(error))
    }
}

/// Returns the innermost cause, which is the precise one: "broken pipe", "frame with invalid size".
pub(super) fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause
}

/// A future that completes when a connection ends: with [`Ok`] where either side has closed it in order. Any number of
/// clones may wait.
#[derive(Clone)]
pub struct Ended(Shared<BoxFuture<'static, Result<(), ConnectionError>>>);

impl Ended {
    pub(super) fn new(end: impl Future<Output = Result<(), ConnectionError>> + Send + 'static) -> Self {
        Self(end.boxed().shared())
    }
}

impl Future for Ended {
    type Output = Result<(), ConnectionError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ended").field(&self.0.peek()).finish()
    }
}
