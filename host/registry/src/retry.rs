//! What is asked again, and when.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use refkit_content::{ErrorKind, deadline};

/// How often a request is repeated, and how long that waits: a connection that cannot be had or breaks before its
/// answer, and an answer of 408, 429, 500, 502, 503 or 504. Waits double, with a random part, and are at least as long
/// as a `Retry-After` asks for. What would wait past the run's deadline is not waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// How often at most; 0 for never.
    pub limit: usize,
    /// The first wait.
    pub first: Duration,
    /// The longest wait, of those that a host asks for as well. One that asks for longer is not asked again.
    pub longest: Duration,
}

/// 3 times, the first after 250 ms, none after more than 60 s.
impl Default for Retries {
    fn default() -> Self {
        Self { limit: 3, first: Duration::from_millis(250), longest: Duration::from_secs(60) }
    }
}

impl Retries {
    /// Never.
    pub const NONE: Self = Self { limit: 0, first: Duration::ZERO, longest: Duration::ZERO };

    /// Returns the same for a host that has another one after it: once, at once or not at all.
    pub(crate) fn of_a_mirror(self) -> Self {
        Self { limit: self.limit.min(1), longest: self.longest.min(Duration::from_secs(1)), ..self }
    }

    pub(crate) fn begin(self) -> Waits {
        let waits = ExponentialBuilder::default()
            .with_min_delay(self.first.max(Duration::from_nanos(1)))
            .with_max_delay(self.longest.max(self.first))
            .with_factor(2.0)
            .with_max_times(self.limit)
            .with_jitter()
            .build();
        Waits { waits, longest: self.longest }
    }
}

/// The waits that are left.
pub(crate) struct Waits {
    waits: ExponentialBackoff,
    longest: Duration,
}

impl Waits {
    /// Returns how long to wait before a problem's request is repeated; none where it is not to be.
    pub(crate) fn after(&mut self, problem: &ErrorKind) -> Option<Duration> {
        let asked = match problem {
            ErrorKind::RateLimited { retry_after, .. } | ErrorKind::Overloaded { retry_after, .. } => *retry_after,
            ErrorKind::Unreachable(_) => None,
            _ => return None,
        };
        let wait = self.waits.next()?.min(self.longest).max(asked.unwrap_or_default());
        let bearable = wait <= self.longest && deadline::left().is_none_or(|left| wait < left);
        bearable.then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use refkit_content::Distrust;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn what_is_asked_again() {
        let limited =
            |seconds| ErrorKind::RateLimited { said: String::new(), retry_after: Some(Duration::from_secs(seconds)) };
        let overloaded = ErrorKind::Overloaded { said: String::new(), retry_after: None };
        let rows = [
            (ErrorKind::NotFound, None, false),
            (ErrorKind::Forbidden(String::new()), None, false),
            (ErrorKind::Unavailable(String::new()), None, false),
            (ErrorKind::Malformed(String::new()), None, false),
            (ErrorKind::Unreachable(String::new()), None, true),
            (overloaded, None, true),
            (ErrorKind::RateLimited { said: String::new(), retry_after: None }, None, true),
            (ErrorKind::Certificate { reason: Distrust::Issuer, said: String::new() }, None, false),
            (ErrorKind::Protocol { tls: true }, None, false),
            (limited(5), None, true),
            (limited(5), Some(6), true),
            (limited(5), Some(5), false),
            (limited(60), None, true),
            (limited(61), None, false),
        ];
        for (problem, deadline, wanted) in rows {
            let ask = async { Retries::default().begin().after(&problem) };
            let wait = match deadline {
                Some(seconds) => deadline::within(Instant::now() + Duration::from_secs(seconds), ask).await,
                None => ask.await,
            };
            assert_eq!(wait.is_some(), wanted, "{problem:?} within {deadline:?} s");
        }
    }

    #[test]
    fn waits_double_and_end() {
        let mut waits = Retries::default().begin();
        let problem = ErrorKind::Unreachable(String::new());
        for (least, most) in [(250, 500), (500, 1000), (1000, 2000)] {
            let wait = waits.after(&problem).map(|wait| wait.as_millis());
            assert!(wait.is_some_and(|wait| (least..=most).contains(&wait)), "{wait:?} for {least}");
        }
        assert_eq!(waits.after(&problem), None);
        assert_eq!(Retries::NONE.begin().after(&problem), None);
    }
}
