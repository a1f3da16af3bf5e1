//! Counters, gauges and histograms by label, and their text as OpenMetrics has it.
//!
//! They are a hundred lines here, because the crate for it would bring a second version of the locks that this workspace
//! uses.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use parking_lot::Mutex;

/// The bounds of durations in seconds: a policy in Rust takes less than a millisecond, and a run at most two minutes.
const BOUNDS: [f64; 11] = [0.0005, 0.002, 0.005, 0.02, 0.05, 0.2, 0.5, 2.0, 5.0, 20.0, 120.0];

/// A kind of series.
pub(super) trait Series: Default {
    /// The word of OpenMetrics for the kind.
    const KIND: &str;

    /// Writes the lines of one series; `name` is that of the metric, and `labels` what stands between the braces.
    fn write(&self, into: &mut String, name: &str, labels: &str) -> fmt::Result;
}

/// All series of a metric, one for each combination of its labels' values.
pub(super) struct Metric<S, const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
    series: Mutex<BTreeMap<[String; LABELS], S>>,
}

impl<S: Series, const LABELS: usize> Metric<S, LABELS> {
    pub(super) fn new(name: &'static str, help: &'static str, labels: [&'static str; LABELS]) -> Self {
        Self { name, help, labels, series: Mutex::default() }
    }

    /// Changes the series with these values.
    pub(super) fn change(&self, values: [&str; LABELS], change: impl FnOnce(&mut S)) {
        change(self.series.lock().entry(values.map(str::to_owned)).or_default());
    }

    /// Writes all series.
    pub(super) fn write(&self, into: &mut String) -> fmt::Result {
        writeln!(into, "# HELP {} {}.", self.name, self.help)?;
        writeln!(into, "# TYPE {} {}", self.name, S::KIND)?;
        for (values, series) in &*self.series.lock() {
            let labels = self.labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", Value(value)));
            series.write(into, self.name, &labels.collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }
}

/// A value of a label, escaped.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            letter => f.write_char(letter),
        })
    }
}

/// Writes labels in their braces; nothing where there are none.
fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

/// A number that only grows.
#[derive(Default)]
pub(super) struct Counter(pub(super) u64);

impl Series for Counter {
    const KIND: &str = "counter";

    fn write(&self, into: &mut String, name: &str, labels: &str) -> fmt::Result {
        writeln!(into, "{name}_total{} {}", braced(labels), self.0)
    }
}

/// A number that grows and shrinks.
#[derive(Default)]
pub(super) struct Gauge(pub(super) i64);

impl Series for Gauge {
    const KIND: &str = "gauge";

    fn write(&self, into: &mut String, name: &str, labels: &str) -> fmt::Result {
        writeln!(into, "{name}{} {}", braced(labels), self.0)
    }
}

/// Durations in seconds.
#[derive(Default)]
pub(super) struct Durations {
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Durations {
    pub(super) fn observe(&mut self, seconds: f64) {
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.within[bucket] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

impl Series for Durations {
    const KIND: &str = "histogram";

    fn write(&self, into: &mut String, name: &str, labels: &str) -> fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut so_far = 0;
        for (bound, within) in BOUNDS.iter().zip(self.within) {
            so_far += within;
            writeln!(into, "{name}_bucket{{{labels}{comma}le=\"{bound:?}\"}} {so_far}")?;
        }
        writeln!(into, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", self.count)?;
        writeln!(into, "{name}_sum{} {}", braced(labels), self.sum)?;
        writeln!(into, "{name}_count{} {}", braced(labels), self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_open_metrics() {
        let mut text = String::new();
        let counter = Metric::<Counter, 2>::new("a", "Things", ["x", "y"]);
        counter.change(["1", "quote \" slash \\ line \n"], |counter| counter.0 += 1);
        counter.change(["1", "2"], |counter| counter.0 += 1);
        counter.change(["1", "2"], |counter| counter.0 += 1);
        counter.write(&mut text).unwrap();
        let gauge = Metric::<Gauge, 0>::new("b", "One", []);
        gauge.change([], |gauge| gauge.0 = -7);
        gauge.write(&mut text).unwrap();
        let wanted = r#"# HELP a Things.
# TYPE a counter
a_total{x="1",y="2"} 2
a_total{x="1",y="quote \" slash \\ line \n"} 1
# HELP b One.
# TYPE b gauge
b -7
"#;
        assert_eq!(text, wanted);
    }

    #[test]
    fn buckets_hold_what_is_at_most_their_bound() {
        let durations = Metric::<Durations, 1>::new("d", "Time", ["x"]);
        for seconds in [0.0, 0.0005, 0.001, 1.0, 500.0] {
            durations.change(["1"], |durations| durations.observe(seconds));
        }
        let mut text = String::new();
        durations.write(&mut text).unwrap();
        for line in [
            "d_bucket{x=\"1\",le=\"0.0005\"} 2\n",
            "d_bucket{x=\"1\",le=\"0.002\"} 3\n",
            "d_bucket{x=\"1\",le=\"0.5\"} 3\n",
            "d_bucket{x=\"1\",le=\"2.0\"} 4\n",
            "d_bucket{x=\"1\",le=\"120.0\"} 4\n",
            "d_bucket{x=\"1\",le=\"+Inf\"} 5\n",
            "d_sum{x=\"1\"} 501.0015\n",
            "d_count{x=\"1\"} 5\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
