//! Durations as Go writes them, because containerd's files have those too.

use std::time::Duration;

/// Parses a duration: `3s`, `1m30s`, `1.5h`, `500ms`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut sum) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let number = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (value, after) = rest.split_at(number);
        let unit = after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let value: f64 = value.parse().ok()?;
        sum = sum.checked_add(Duration::try_from_secs_f64(value * seconds).ok()?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let rows = [
            ("3s", Some(3_000)),
            ("1m30s", Some(90_000)),
            ("1.5h", Some(5_400_000)),
            ("500ms", Some(500)),
            ("2000us", Some(2)),
            ("2000µs", Some(2)),
            ("1h1m1s1ms", Some(3_661_001)),
            ("0", Some(0)),
            ("", None),
            ("3", None),
            ("s", None),
            ("3 s", None),
            ("-3s", None),
            ("3d", None),
            ("1.2.3s", None),
            ("99999999999999999999999999h", None),
        ];
        for (text, wanted) in rows {
            assert_eq!(parse(text), wanted.map(Duration::from_millis), "{text:?}");
        }
    }
}
