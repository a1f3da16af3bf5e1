//! Until when an answer is of use: whoever waits for one says so, and whoever would wait to ask again looks.

use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Does something whose answer is of no use after an instant. Nothing is stopped then: who waits for it does that. A
/// sooner deadline that is set already stays.
pub async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> T {
    let sooner = DEADLINE.try_with(|earlier| deadline.min(*earlier)).unwrap_or(deadline);
    DEADLINE.scope(sooner, work).await
}

/// Returns how long an answer is still of use; none where nobody has said.
pub fn left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sooner_one_counts() {
        let at = |seconds| Instant::now() + Duration::from_secs(seconds);
        assert_eq!(left(), None);
        let inner = within(at(10), within(at(20), async { left() }));
        assert!(inner.await.is_some_and(|left| left <= Duration::from_secs(10)));
        assert_eq!(within(Instant::now(), async { left() }).await, Some(Duration::ZERO));
        assert_eq!(left(), None);
    }
}
