//! Limits of a run that the command line changes.

use std::str::FromStr;
use std::time::Duration;

use refkit::Budget;

use super::units::{size, time};

/// A limit with its new value.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    name: Name,
    value: Value,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Number(u64),
    Time(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Calls,
    Bytes,
    Content,
    Time,
    Cpu,
    Memory,
    Held,
    Depth,
    Messages,
}

/// The names, in the order of the explanation.
const NAMES: [(&str, Name); 9] = [
    ("calls", Name::Calls),
    ("bytes", Name::Bytes),
    ("content", Name::Content),
    ("time", Name::Time),
    ("cpu", Name::Cpu),
    ("memory", Name::Memory),
    ("held", Name::Held),
    ("depth", Name::Depth),
    ("messages", Name::Messages),
];

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it is written NAME=VALUE")?;
        let known = || NAMES.map(|(name, _)| name).join(", ");
        let found = NAMES.iter().find(|(known, _)| *known == name);
        let (_, name) = *found.ok_or_else(|| format!("there is no limit {name:?}; the limits are {}", known()))?;
        let number = || value.parse().map_err(|_| "its value is a number".to_owned());
        let value = match name {
            Name::Calls | Name::Depth | Name::Messages => Value::Number(number()?),
            Name::Bytes | Name::Content | Name::Memory | Name::Held => Value::Number(size(value)?),
            Name::Time | Name::Cpu => Value::Time(time(value)?),
        };
        Ok(Self { name, value })
    }
}

impl Limit {
    /// Returns a budget with the limits; of two of one name the later one holds.
    pub fn apply(limits: &[Self], budget: Budget) -> Budget {
        limits.iter().fold(budget, |budget, limit| limit.set(budget))
    }

    fn set(self, mut budget: Budget) -> Budget {
        match (self.name, self.value) {
            (Name::Calls, Value::Number(number)) => budget.calls = number,
            (Name::Bytes, Value::Number(number)) => budget.bytes = number,
            (Name::Content, Value::Number(number)) => budget.content = number,
            (Name::Memory, Value::Number(number)) => budget.memory = number,
            (Name::Held, Value::Number(number)) => budget.held = number,
            (Name::Depth, Value::Number(number)) => budget.depth = number,
            (Name::Messages, Value::Number(number)) => budget.events = number,
            (Name::Time, Value::Time(time)) => budget.wall = time,
            (Name::Cpu, Value::Time(time)) => budget.cpu = time,
            // Each name is read with its own unit.
            _ => {}
        }
        budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_one_of_the_budget() {
        // the text, the changed limit
        type Of = fn(&Budget) -> u64;
        let rows: [(&str, Of, u64); 9] = [
            ("calls=5000", |budget| budget.calls, 5000),
            ("bytes=1G", |budget| budget.bytes, 1 << 30),
            ("content=8M", |budget| budget.content, 8 << 20),
            ("time=10m", |budget| budget.wall.as_secs(), 600),
            ("cpu=30s", |budget| budget.cpu.as_secs(), 30),
            ("memory=128M", |budget| budget.memory, 128 << 20),
            ("held=256M", |budget| budget.held, 256 << 20),
            ("depth=3", |budget| budget.depth, 3),
            ("messages=7", |budget| budget.events, 7),
        ];
        for (text, of, wanted) in rows {
            let limit: Limit = text.parse().unwrap();
            let (before, after) = (Budget::default(), Limit::apply(&[limit], Budget::default()));
            assert!(of(&before) != wanted && of(&after) == wanted, "{text}");
            let unchanged = rows.iter().filter(|(_, of, _)| of(&before) == of(&after)).count();
            assert_eq!(unchanged, rows.len() - 1, "{text}");
        }
        for text in ["", "calls", "calls=", "calls=-1", "calls=1k", "time=5", "cpu=2ms", "held=1T", "cals=1"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
        assert!("cals=1".parse::<Limit>().unwrap_err().contains("calls, bytes, content"));
    }
}
