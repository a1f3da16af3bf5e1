//! Detects a server that stops reading the body that the client sends.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, poll_fn};
use parking_lot::Mutex;
use refkit_content::Error;
use tokio::time::Instant;

type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// The least bytes of a body that a server stores in a second: 16 MiB. It may respond only once all of them are on its disk,
/// or a proxy may receive a body to its end before it passes it on.
const STORED: u64 = 16 << 20;

/// Returns the time that a server may need to store so many bytes before it responds.
pub(super) fn to_store(bytes: u64) -> Duration {
    Duration::from_secs(bytes / STORED)
}

/// Watches a body on its way.
#[derive(Clone)]
pub(super) struct Watch(Arc<Mutex<State>>);

struct State {
    /// Since when the client waits for the server to read on; none while it waits for the source of the body.
    since: Option<Instant>,
    /// The bytes of the body that the client has sent, or is about to send.
    sent: u64,
}

impl Watch {
    /// Returns the body, and a watch on it.
    pub(super) fn over(mut pieces: Pieces) -> (Pieces, Self) {
        let watch = Self(Arc::new(Mutex::new(State { since: Some(Instant::now()), sent: 0 })));
        let noting = watch.clone();
        let watched = poll_fn(move |context| {
            let polled = pieces.poll_next_unpin(context);
            let mut state = noting.0.lock();
            state.since = match &polled {
                Poll::Pending => None,
                Poll::Ready(_) => Some(Instant::now()),
            };
            if let Poll::Ready(Some(Ok(piece))) = &polled {
                state.sent = state.sent.saturating_add(piece.len() as u64);
            }
            polled
        });
        (watched.boxed(), watch)
    }

    /// Returns once the server has read nothing and has not responded for this long, and for the time that it may need to
    /// store what it has.
    pub(super) async fn stuck(&self, patience: Duration) {
        loop {
            let (had, stores) = {
                let state = self.0.lock();
                let had = state.since.map_or(Duration::ZERO, |since| since.elapsed());
                (had, to_store(state.sent))
            };
            match patience.saturating_add(stores).checked_sub(had).filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::sleep(left).await,
                None => return,
            }
        }
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
    /// A server that has much of a body may take long to store it.
    #[tokio::test(start_paused = true)]
    async fn a_host_has_time_to_store_what_it_has() {
        let (patience, begin) = (Duration::from_secs(20), Instant::now());
        let piece = Bytes::from(vec![0; 1 << 20]);
        let (mut given, watch) = Watch::over(stream::iter(vec![Ok(piece); 160]).boxed());
        while given.next().await.is_some() {}
        watch.stuck(patience).await;
        assert_eq!(begin.elapsed(), patience + Duration::from_secs(10));
    }
}
