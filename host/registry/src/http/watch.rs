//! Detects a server that stops reading the body that the client sends.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, poll_fn};
use parking_lot::{Mutex, MutexGuard};
use refkit_content::Error;
use tokio::time::Instant;

type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// Since when the client waits for the server to read on; none while it waits for the source of the body.
#[derive(Clone)]
pub(super) struct Watch(Arc<Mutex<Option<Instant>>>);

impl Watch {
    /// Returns the body, and a watch on it.
    pub(super) fn over(mut pieces: Pieces) -> (Pieces, Self) {
        let watch = Self(Arc::new(Mutex::new(Some(Instant::now()))));
        let noting = watch.clone();
        let watched = poll_fn(move |context| {
            let polled = pieces.poll_next_unpin(context);
            *noting.since() = match polled {
                Poll::Pending => None,
                Poll::Ready(_) => Some(Instant::now()),
            };
            polled
        });
        (watched.boxed(), watch)
    }

    /// Returns once the server has read nothing for this long.
    pub(super) async fn stuck(&self, patience: Duration) {
        loop {
            let had = self.since().map_or(Duration::ZERO, |since| since.elapsed());
            match patience.checked_sub(had).filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::sleep(left).await,
                None => return,
            }
        }
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_is_waited_for_and_a_host_is_not() {
        let patience = Duration::from_secs(20);
        let (mut waiting, watch) = Watch::over(stream::pending().boxed());
        assert!(waiting.next().now_or_never().is_none());
        tokio::time::sleep(patience * 2).await;
        assert!(watch.stuck(patience).now_or_never().is_none(), "the source has the turn");
        let (mut given, watch) = Watch::over(stream::once(async { Ok(Bytes::new()) }).boxed());
        assert!(given.next().now_or_never().is_some());
        watch.stuck(patience).await;
    }
}
