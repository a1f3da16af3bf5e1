//! Every limit of a run, as used/limit.

use std::time::Duration;

use serde::Serialize;

use crate::units::{Bytes, Time};
use crate::{Tree, table};
use refkit::{Budget, Spent};

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitReport {
    /// What is limited.
    pub name: &'static str,
    /// What the numbers count.
    pub unit: Unit,
    /// What was used.
    pub used: u64,
    /// The limit.
    pub limit: u64,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Microseconds.
    Microseconds,
}

/// Returns every limit.
pub fn reports(budget: &Budget, spent: &Spent) -> Vec<LimitReport> {
    let Budget { calls, bytes, content, wall, cpu, memory, held, depth, events, .. } = *budget;
    let limit = |name, unit, used, limit| LimitReport { name, unit, used, limit };
    vec![
        limit("calls", Unit::Count, spent.calls, calls),
        limit("bytes of all contents", Unit::Bytes, spent.bytes, bytes),
        limit("bytes of one content", Unit::Bytes, spent.content, content),
        limit("time", Unit::Microseconds, micros(spent.wall), micros(wall)),
        limit("processor time of a policy", Unit::Microseconds, micros(spent.cpu), micros(cpu)),
        limit("memory of a policy", Unit::Bytes, spent.memory, memory),
        limit("memory of the host", Unit::Bytes, spent.held, held),
        limit("depth of an index", Unit::Count, spent.depth, depth),
        limit("messages", Unit::Count, spent.events, events),
    ]
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns them for a person.
pub fn tree(limits: &[LimitReport]) -> Tree {
    let row = |limit: &LimitReport| {
        let text = |number: u64| match limit.unit {
            Unit::Count => number.to_string(),
            Unit::Bytes => Bytes(number).to_string(),
            Unit::Microseconds => Time(Duration::from_micros(number)).to_string(),
        };
        [limit.name.to_owned(), format!("{} / {}", text(limit.used), text(limit.limit))]
    };
    let rows: Vec<_> = limits.iter().map(row).collect();
    let mut tree = Tree::new("limits");
    table(&rows).into_iter().for_each(|line| tree.add(Tree::new(line)));
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_used_of_limit() {
        let mut spent = Spent::default();
        (spent.calls, spent.bytes) = (3, 12_345);
        (spent.wall, spent.cpu) = (Duration::from_micros(1_520), Duration::from_micros(80));
        let lines = tree(&reports(&Budget::default(), &spent)).lines();
        let wanted = [
            "limits",
            "├─ calls                       3 / 1000",
            "├─ bytes of all contents       12.3 kB / 268 MB",
            "├─ bytes of one content        0 B / 4.19 MB",
            "├─ time                        1.52 ms / 120 s",
            "├─ processor time of a policy  80 µs / 2 s",
            "├─ memory of a policy          0 B / 67.1 MB",
            "├─ memory of the host          0 B / 67.1 MB",
            "├─ depth of an index           0 / 8",
            "└─ messages                    0 / 1000",
        ];
        assert_eq!(lines, wanted);
        // A limit that is new in the budget is not forgotten here.
        let fields = format!("{:?}", Budget::default()).matches(": ").count();
        assert_eq!(reports(&Budget::default(), &spent).len(), fields);
    }
}
