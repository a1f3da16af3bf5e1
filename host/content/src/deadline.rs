//! The deadline of a run: a caller sets it, and code that would wait before a retry reads it.

use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs work whose result is useless after a deadline. The deadline stops nothing; the caller does. An earlier
/// deadline that is already set stays.
pub async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> T {
    let sooner = DEADLINE.try_with(|earlier| deadline.min(*earlier)).unwrap_or(deadline);
    DEADLINE.scope(sooner, work).await
}

/// Returns the time until the deadline; none if there is no deadline.
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
