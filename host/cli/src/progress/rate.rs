//! The rate of a copy over the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

/// The time over which a rate is taken: long enough to be read, short enough to show a copy that stands still.
const WINDOW: Duration = Duration::from_secs(3);

/// The bytes at several times, of which the last ones give the rate.
#[derive(Debug, Clone, Default)]
pub struct Rate(VecDeque<(Duration, u64)>);

impl Rate {
    /// Returns a rate whose count begins with no bytes.
    pub fn since(at: Duration) -> Self {
        Self(VecDeque::from([(at, 0)]))
    }

    /// Adds the bytes at a time, and returns the bytes a second. The oldest sample of the window counts up to the moment
    /// at which the window begins, or before it.
    pub fn sample(&mut self, at: Duration, bytes: u64) -> u64 {
        let Self(samples) = self;
        samples.push_back((at, bytes));
        let begin = at.saturating_sub(WINDOW);
        while samples.get(1).is_some_and(|(second, _)| *second <= begin) {
            samples.pop_front();
        }
        let (first, before) = samples[0];
        per_second(bytes.saturating_sub(before), at.saturating_sub(first))
    }
}

/// Returns the bytes a second.
pub fn per_second(bytes: u64, time: Duration) -> u64 {
    match time.as_millis() {
        0 => 0,
        time => u64::try_from(u128::from(bytes) * 1000 / time).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_seconds_count() {
        let mut rate = Rate::since(Duration::from_secs(10));
        // milliseconds, bytes, bytes a second
        let rows = [
            (10_000, 0, 0),
            (10_500, 500, 1000),
            (11_000, 1000, 1000),
            (13_000, 3000, 1000),
            // From here on 500 bytes a second are added.
            (16_000, 4500, 500),
            (17_000, 4500, 375),
            (20_000, 4500, 0),
        ];
        for (at, bytes, wanted) in rows {
            assert_eq!(rate.sample(Duration::from_millis(at), bytes), wanted, "{at}");
        }
    }

    #[test]
    fn a_rate_needs_time_and_does_not_overflow() {
        for (bytes, millis, wanted) in [(1, 0, 0), (0, 1, 0), (1, 1, 1000), (u64::MAX, 1, u64::MAX), (999, 2000, 499)] {
            assert_eq!(per_second(bytes, Duration::from_millis(millis)), wanted, "{bytes} {millis}");
        }
    }
}
