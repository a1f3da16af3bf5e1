//! Sizes and times, as a person writes them.

use std::time::Duration;

/// Reads a size: `4096`, `512K`, `20M`, `1G`, of 1024 each.
pub fn size(text: &str) -> Result<u64, String> {
    let malformed = || "it is a number of bytes, or a number with K, M or G".to_owned();
    let (number, unit) =
        parts(text, &[("", 1), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)]).ok_or_else(malformed)?;
    number.checked_mul(unit).ok_or_else(malformed)
}

/// Reads a time: `90s`, `30m`, `12h`, `7d`.
pub fn time(text: &str) -> Result<Duration, String> {
    let malformed = || "it is a number with s, m, h or d".to_owned();
    let (number, unit) =
        parts(text, &[("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)]).ok_or_else(malformed)?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(malformed)
}

fn parts(text: &str, units: &[(&str, u64)]) -> Option<(u64, u64)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, name) = text.split_at(end);
    let unit = units.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(name))?.1;
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("2k", Some(2048)),
            ("1G", Some(1 << 30)),
            ("", None),
            ("G", None),
            ("-1", None),
            ("1.5G", None),
            ("1T", None),
            ("99999999999G", None),
        ] {
            assert_eq!(size(text).ok(), wanted, "{text:?}");
        }
        for (text, wanted) in
            [("90s", Some(90)), ("30m", Some(1800)), ("7d", Some(604_800)), ("7", None), ("1w", None), ("", None)]
        {
            assert_eq!(time(text).ok().map(|time| time.as_secs()), wanted, "{text:?}");
        }
    }
}
