//! Reports about the caches of content and of compiled policies.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use refkit::aot;
use refkit_content::Timestamp;
use refkit_content::disk::{Checked, Freed, Info};
use serde::Serialize;

use crate::Escaped;
use crate::units::Bytes;

/// The size of the caches.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InfoReport {
    directory: String,
    bytes: u64,
    limit: u64,
    contents: u64,
    grants: u64,
    tags: u64,
    lists: u64,
    unfinished: u64,
    /// Seconds since 1970.
    oldest_use: Option<u64>,
    newest_use: Option<u64>,
    /// The cache of compiled policies; none for a directory of content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiled: Option<CompiledReport>,
}

/// The size of the cache of compiled policies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CompiledReport {
    directory: String,
    bytes: u64,
    limit: u64,
    policies: u64,
    unfinished: u64,
    /// Seconds since 1970.
    oldest_use: Option<u64>,
    newest_use: Option<u64>,
}

impl CompiledReport {
    fn of(info: &aot::Info) -> Self {
        Self {
            directory: info.directory.display().to_string(),
            bytes: info.bytes,
            limit: info.limit,
            policies: info.entries,
            unfinished: info.unfinished,
            oldest_use: seconds(info.oldest_use),
            newest_use: seconds(info.newest_use),
        }
    }

    /// Returns the rows of the table for people.
    pub fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = place(&self.directory, self.bytes, self.limit);
        rows.push(["policies".to_owned(), self.policies.to_string()]);
        rows.extend(last(self.unfinished, self.oldest_use, self.newest_use));
        rows
    }
}

fn seconds(time: Option<SystemTime>) -> Option<u64> {
    Some(time?.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Returns the rows that begin a table.
fn place(directory: &str, bytes: u64, limit: u64) -> Vec<[String; 2]> {
    vec![
        ["directory".to_owned(), Escaped(directory).to_string()],
        ["size".to_owned(), format!("{} of at most {}", Bytes(bytes), Bytes(limit))],
    ]
}

/// Returns the rows that end a table.
fn last(unfinished: u64, oldest_use: Option<u64>, newest_use: Option<u64>) -> Vec<[String; 2]> {
    let used = |at: Option<u64>| Some(Timestamp(UNIX_EPOCH.checked_add(Duration::from_secs(at?))?).to_string());
    let unfinished = (unfinished > 0).then(|| ["unfinished".to_owned(), unfinished.to_string()]);
    let uses = [("oldest use", oldest_use), ("newest use", newest_use)];
    let uses = uses.into_iter().filter_map(|(name, at)| Some([name.to_owned(), used(at)?]));
    unfinished.into_iter().chain(uses).collect()
}

impl InfoReport {
    /// Returns the report.
    pub fn of(info: &Info, compiled: Option<&aot::Info>) -> Self {
        Self {
            directory: info.path.display().to_string(),
            bytes: info.bytes,
            limit: info.limit,
            contents: info.contents,
            grants: info.grants,
            tags: info.tags,
            lists: info.lists,
            unfinished: info.unfinished,
            oldest_use: seconds(info.oldest_use),
            newest_use: seconds(info.newest_use),
            compiled: compiled.map(CompiledReport::of),
        }
    }

    /// Returns the rows of the table for people, without the compiled policies.
    pub fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = place(&self.directory, self.bytes, self.limit);
        let counts = [("contents", self.contents), ("grants", self.grants), ("tags", self.tags), ("lists", self.lists)];
        rows.extend(counts.map(|(name, count)| [name.to_owned(), count.to_string()]));
        rows.extend(last(self.unfinished, self.oldest_use, self.newest_use));
        rows
    }
}

/// The entries that pruning removed.
#[derive(Debug, Serialize)]
pub struct FreedReport {
    contents: u64,
    records: u64,
    bytes: u64,
    unfinished: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiled: Option<FreedCompiled>,
}

#[derive(Debug, Serialize)]
struct FreedCompiled {
    policies: u64,
    bytes: u64,
    unfinished: u64,
}

impl FreedReport {
    /// Returns the report.
    pub fn of(freed: &Freed, compiled: Option<&aot::Freed>) -> Self {
        let Freed { contents, records, bytes, unfinished } = *freed;
        let compiled = compiled.map(|freed| {
            let aot::Freed { entries: policies, bytes, unfinished } = *freed;
            FreedCompiled { policies, bytes, unfinished }
        });
        Self { contents, records, bytes, unfinished, compiled }
    }

    /// Returns the line for people.
    pub fn line(&self) -> String {
        let mut freed = vec![count(self.contents, "content")];
        freed.extend(self.compiled.as_ref().map(|compiled| count(compiled.policies, "compiled policy")));
        let bytes = self.bytes.saturating_add(self.compiled.as_ref().map_or(0, |compiled| compiled.bytes));
        format!("freed {}: {}", Bytes(bytes), freed.join(", "))
    }
}

/// The entries that verifying read.
#[derive(Debug, Serialize)]
pub struct VerifiedReport {
    contents: u64,
    records: u64,
    bytes: u64,
    wrong: Vec<WrongReport>,
    removed: u64,
    unfinished: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiled: Option<VerifiedCompiled>,
}

#[derive(Debug, Serialize)]
struct VerifiedCompiled {
    policies: u64,
    bytes: u64,
    wrong: Vec<WrongReport>,
    removed: u64,
    unfinished: u64,
}

#[derive(Debug, Serialize)]
struct WrongReport {
    /// The line for people.
    #[serde(skip)]
    line: String,
    path: String,
    what: String,
}

impl VerifiedReport {
    /// Returns the report; that of compiled policies has the directory that their names are in.
    pub fn of(content: &Checked, compiled: Option<(&aot::Checked, &Path)>) -> Self {
        let wrong = content.wrong.iter().map(|one| WrongReport {
            line: one.to_string(),
            path: one.path.clone(),
            what: one.what.clone(),
        });
        Self {
            contents: content.contents,
            records: content.records,
            bytes: content.bytes,
            wrong: wrong.collect(),
            removed: content.removed,
            unfinished: content.unfinished,
            compiled: compiled.map(|(checked, directory)| {
                let wrong = checked.wrong.iter().map(|one| WrongReport {
                    line: format!("{}: {}", directory.join(&one.name).display(), one.what),
                    path: one.name.clone(),
                    what: one.what.clone(),
                });
                VerifiedCompiled {
                    policies: checked.entries,
                    bytes: checked.bytes,
                    wrong: wrong.collect(),
                    removed: checked.removed,
                    unfinished: checked.unfinished,
                }
            }),
        }
    }

    /// Returns whether every entry is as it was written.
    pub fn is_clean(&self) -> bool {
        self.wrong().next().is_none()
    }

    fn wrong(&self) -> impl Iterator<Item = &WrongReport> {
        self.wrong.iter().chain(self.compiled.iter().flat_map(|compiled| &compiled.wrong))
    }

    /// Returns the lines for people: the wrong entries, and a sum. `kept` is whether the wrong entries stay.
    pub fn lines(&self, kept: bool) -> Vec<String> {
        let mut lines: Vec<String> = self.wrong().map(|wrong| Escaped(&wrong.line).to_string()).collect();
        let mut read = vec![count(self.contents, "content")];
        let (mut bytes, mut removed) = (self.bytes, self.removed);
        if let Some(compiled) = &self.compiled {
            read.push(count(compiled.policies, "compiled policy"));
            bytes = bytes.saturating_add(compiled.bytes);
            removed = removed.saturating_add(compiled.removed);
        }
        let wrong = lines.len();
        let read = format!("{}, {}", read.join(", "), Bytes(bytes));
        lines.push(match (wrong, kept) {
            (0, _) => format!("{read}: nothing is wrong"),
            (wrong, true) => format!("{read}: {wrong} wrong, and left there"),
            (wrong, false) => format!("{read}: {wrong} wrong, {removed} removed"),
        });
        lines
    }
}

/// Returns `1 content` or `2 contents`.
fn count(number: u64, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if number == 1 => format!("1 {what}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {what}s"),
    }
}
