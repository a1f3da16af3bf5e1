//! Metrics, as Prometheus reads them.

mod decisions;
mod series;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use refkit_registry::Observer;

use series::{Counter, Durations, Gauge, Metric};

/// The most hosts with a label of their own. Clients choose which registries the server asks.
const MAX_HOSTS: usize = 500;

/// The label of further hosts.
const OTHER: &str = "other";

/// The metrics of a server. They outlive a reload.
pub(crate) struct Metrics {
    decisions: Metric<Counter, 3>,
    decision_seconds: Metric<Durations, 1>,
    policy_seconds: Metric<Durations, 1>,
    reads: Metric<Counter, 2>,
    upstream: Metric<Counter, 2>,
    limits: Metric<Counter, 1>,
    reloads: Metric<Counter, 1>,
    loaded: Metric<Gauge, 0>,
    connections: Metric<Gauge, 1>,
    hosts: Mutex<HashSet<String>>,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let by = ["rule", "outcome", "service"];
        Arc::new(Self {
            decisions: Metric::new("refkit_decisions", "Decisions, by rule, outcome and service", by),
            decision_seconds: Metric::new("refkit_decision_seconds", "Duration of decisions", ["rule"]),
            policy_seconds: Metric::new(
                "refkit_policy_seconds",
                "Duration of policies, with the rest of their chain where they wait for it",
                ["policy"],
            ),
            reads: Metric::new("refkit_reads", "Reads, by function and source of the answer", ["function", "source"]),
            upstream: Metric::new("refkit_upstream_requests", "Requests to registries", ["host", "status"]),
            limits: Metric::new("refkit_limits_reached", "Limits that were reached", ["limit"]),
            reloads: Metric::new("refkit_reloads", "Reloads of the settings", ["outcome"]),
            loaded: Metric::new("refkit_loaded_timestamp_seconds", "When the present settings were loaded", []),
            connections: Metric::new("refkit_connections", "Open connections", ["listener"]),
            hosts: Mutex::default(),
        })
    }

    /// Returns all metrics as OpenMetrics text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, into: &mut String) -> fmt::Result {
        self.decisions.write(into)?;
        self.decision_seconds.write(into)?;
        self.policy_seconds.write(into)?;
        self.reads.write(into)?;
        self.upstream.write(into)?;
        self.limits.write(into)?;
        self.reloads.write(into)?;
        self.loaded.write(into)?;
        self.connections.write(into)?;
        into.push_str("# EOF\n");
        Ok(())
    }

    /// Counts a limit that was reached.
    pub(crate) fn limit(&self, limit: &str) {
        self.limits.change([limit], |counter| counter.0 += 1);
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, outcome: &str) {
        self.reloads.change([outcome], |counter| counter.0 += 1);
    }

    /// Notes when settings were loaded.
    pub(crate) fn loaded(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.loaded.change([], |gauge| gauge.0 = i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    }

    /// Counts a connection until the gauge is dropped.
    pub(crate) fn connection(self: &Arc<Self>, listener: &'static str) -> ConnectionGauge {
        self.connections.change([listener], |gauge| gauge.0 += 1);
        ConnectionGauge { metrics: Arc::clone(self), listener }
    }

    /// Returns the label of a host.
    fn host<'a>(&self, host: &'a str) -> &'a str {
        let mut hosts = self.hosts.lock();
        let is_known = hosts.contains(host) || (hosts.len() < MAX_HOSTS && hosts.insert(host.to_owned()));
        if is_known { host } else { OTHER }
    }
}

impl Observer for Metrics {
    fn requested(&self, host: &str, status: Option<u16>) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.upstream.change([self.host(host), &status], |counter| counter.0 += 1);
    }
}

/// An open connection.
pub(crate) struct ConnectionGauge {
    metrics: Arc<Metrics>,
    listener: &'static str,
}

impl Drop for ConnectionGauge {
    fn drop(&mut self) {
        self.metrics.connections.change([self.listener], |gauge| gauge.0 -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_make_any_number_of_labels() {
        let metrics = Metrics::new();
        for number in 0..MAX_HOSTS + 10 {
            metrics.requested(&format!("{number}.example"), Some(200));
        }
        metrics.requested("0.example", Some(200));
        metrics.requested("0.example", None);
        let text = metrics.text();
        assert_eq!(text.matches("refkit_upstream_requests_total{").count(), MAX_HOSTS + 2);
        for line in [
            "refkit_upstream_requests_total{host=\"other\",status=\"200\"} 10\n",
            "refkit_upstream_requests_total{host=\"0.example\",status=\"200\"} 2\n",
            "refkit_upstream_requests_total{host=\"0.example\",status=\"none\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}");
        }
    }

    #[test]
    fn a_connection_counts_while_it_is_open() {
        let metrics = Metrics::new();
        let line = |number: usize| format!("refkit_connections{{listener=\"grpc\"}} {number}\n");
        let (first, second) = (metrics.connection("grpc"), metrics.connection("grpc"));
        assert!(metrics.text().contains(&line(2)));
        drop((first, second));
        assert!(metrics.text().contains(&line(0)));
    }
}
