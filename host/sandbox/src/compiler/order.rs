//! The order that a process compiles by, as words of its command line.

use std::ffi::{OsStr, OsString};

use super::CompilerProcess;

/// The word by which a program knows that it was started to compile.
const WORD: &str = "compile-component";

/// The words for code that counts what it executes, and for other code.
const FUEL: [&str; 2] = ["time", "fuel"];

/// The target where this machine, with all its features, is meant.
const HERE: &str = "here";

/// One compilation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    /// The process that waits for the code.
    pub parent: u32,
    /// The most memory, bytes of address space.
    pub memory: u64,
    /// The most processor time, seconds.
    pub seconds: u64,
    /// The machine that the code is for; this one, if there is none.
    pub target: Option<String>,
    /// Whether the code counts what it executes.
    pub fuel: bool,
}

impl Order {
    /// Returns an order of this process.
    pub fn new(process: &CompilerProcess, target: Option<&str>, fuel: bool) -> Self {
        let target = target.map(str::to_owned);
        Self { parent: std::process::id(), memory: process.memory, seconds: process.seconds(), target, fuel }
    }

    /// Returns its words.
    pub fn words(&self) -> [String; 6] {
        let target = self.target.clone().unwrap_or_else(|| HERE.to_owned());
        let (memory, seconds, fuel) = (self.memory.to_string(), self.seconds.to_string(), FUEL[usize::from(self.fuel)]);
        [WORD.to_owned(), self.parent.to_string(), memory, seconds, target, fuel.to_owned()]
    }

    /// Returns the order of a command line, which has nothing else after the program; none where it is another one.
    pub fn read(line: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let words: Vec<OsString> = line.into_iter().skip(1).collect();
        let [word, parent, memory, seconds, target, fuel] = &words[..] else { return None };
        if word != WORD {
            return None;
        }
        let number = |word: &OsStr| word.to_str()?.parse::<u64>().ok();
        let target = target.to_str()?;
        Some(Self {
            parent: u32::try_from(number(parent)?).ok()?,
            memory: number(memory)?,
            seconds: number(seconds)?,
            target: (target != HERE).then(|| target.to_owned()),
            fuel: FUEL.iter().position(|known| fuel == known)? == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Order> {
        Order::read(words.iter().map(OsString::from))
    }

    #[test]
    fn what_is_written_is_read() {
        for (target, fuel) in [(None, true), (Some("x86_64-unknown-linux-musl".to_owned()), false)] {
            let order = Order { parent: 7, memory: u64::MAX, seconds: 60, target, fuel };
            let words = order.words();
            let line = ["program"].into_iter().chain(words.iter().map(String::as_str));
            assert_eq!(read(&line.collect::<Vec<_>>()), Some(order));
        }
    }

    #[test]
    fn other_command_lines_are_no_order() {
        for line in [
            &[][..],
            &["program"],
            &["program", WORD],
            &["program", "resolve", WORD],
            &["program", "resolve", WORD, "1", "2", "3", HERE, "time"],
            &["program", WORD, "1", "2", "3", HERE, "time", "more"],
            &["program", WORD, "1", "2", "3", HERE],
            &["program", WORD, "1", "2", "3", HERE, "other"],
            &["program", WORD, "1", "2", "x", HERE, "time"],
            &["program", WORD, "1", "-2", "3", HERE, "time"],
            &["program", "other", "1", "2", "3", HERE, "time"],
            &[WORD, "1", "2", "3", HERE, "time"],
        ] {
            assert_eq!(read(line), None, "{line:?}");
        }
    }
}
