//! Numbers with their units, for people.

use std::fmt;
use std::time::Duration;

/// A number of bytes in decimal units, three digits or so: `512 B`, `3.41 MB`.
#[derive(Debug, Clone, Copy)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        if bytes < 1000 {
            return write!(f, "{bytes} B");
        }
        let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
        let mut value = bytes as f64 / 1000.0;
        let mut unit = 0;
        // From 999.5 on it would be shown as 1000.
        while value >= 999.5 && unit + 1 < units.len() {
            value /= 1000.0;
            unit += 1;
        }
        write!(f, "{} {}", Digits(value), units[unit])
    }
}

/// A time, three digits or so: `420 µs`, `1.52 ms`, `120 s`.
#[derive(Debug, Clone, Copy)]
pub struct Time(pub Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 999.5e-6 {
            write!(f, "{} µs", self.0.as_micros())
        } else if seconds < 999.5e-3 {
            write!(f, "{} ms", Digits(seconds * 1e3))
        } else {
            write!(f, "{} s", Digits(seconds))
        }
    }
}

/// A number with three digits, more where it is larger, and no zeros at the end of a fraction.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0 {
            value if value < 9.995 => 2,
            value if value < 99.95 => 1,
            _ => 0,
        };
        let text = format!("{:.decimals$}", self.0);
        let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1499, "1.5 kB"),
            (9_994, "9.99 kB"),
            (9_996, "10 kB"),
            (123_456, "123 kB"),
            (999_499, "999 kB"),
            (999_500, "1 MB"),
            (268_435_456, "268 MB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, text) in rows {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn times() {
        let rows = [
            (Duration::ZERO, "0 µs"),
            (Duration::from_nanos(1_999), "1 µs"),
            (Duration::from_micros(420), "420 µs"),
            (Duration::from_micros(1_523), "1.52 ms"),
            (Duration::from_millis(100), "100 ms"),
            (Duration::from_millis(1_050), "1.05 s"),
            (Duration::from_secs(120), "120 s"),
        ];
        for (time, text) in rows {
            assert_eq!(Time(time).to_string(), text);
        }
    }
}
