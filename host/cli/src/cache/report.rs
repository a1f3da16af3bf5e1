//! What is told of the cache.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use refkit::aot;
use refkit_content::disk::{Checked, Freed, Info};
use refkit_report::Escaped;
use refkit_report::units::Bytes;
use serde::Serialize;

/// What is in the cache.
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
    /// The cache of compiled policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiled: Option<CompiledReport>,
}

/// What is in the cache of compiled policies.
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

    /// Returns the same for people.
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
    // What a file system says may be beyond the year 9999, which is not written so.
    let used = |at: Option<u64>| {
        let at = Duration::from_secs(at.filter(|at| *at < 253_402_300_800)?);
        Some(httpdate::fmt_http_date(UNIX_EPOCH + at))
    };
    let unfinished = (unfinished > 0).then(|| ["unfinished".to_owned(), unfinished.to_string()]);
    let uses = [("oldest use", oldest_use), ("newest use", newest_use)];
    let uses = uses.into_iter().filter_map(|(name, at)| Some([name.to_owned(), used(at)?]));
    unfinished.into_iter().chain(uses).collect()
}

impl InfoReport {
    /// Returns what is told.
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

    /// Returns what it says of content, for people.
    pub fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = place(&self.directory, self.bytes, self.limit);
        let counts = [("contents", self.contents), ("grants", self.grants), ("tags", self.tags), ("lists", self.lists)];
        rows.extend(counts.map(|(name, count)| [name.to_owned(), count.to_string()]));
        rows.extend(last(self.unfinished, self.oldest_use, self.newest_use));
        rows
    }
}

/// What was thrown away.
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
    /// Returns what is told.
    pub fn of(freed: &Freed, compiled: Option<&aot::Freed>) -> Self {
        let Freed { contents, records, bytes, unfinished } = *freed;
        let compiled = compiled.map(|freed| {
            let aot::Freed { entries: policies, bytes, unfinished } = *freed;
            FreedCompiled { policies, bytes, unfinished }
        });
        Self { contents, records, bytes, unfinished, compiled }
    }
}

/// What was read.
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
    path: String,
    what: String,
}

impl VerifiedReport {
    /// Returns what is told.
    pub fn of(checked: &Checked, compiled: Option<&aot::Checked>) -> Self {
        let wrong = checked.wrong.iter().map(|one| WrongReport { path: one.path.clone(), what: one.what.clone() });
        Self {
            contents: checked.contents,
            records: checked.records,
            bytes: checked.bytes,
            wrong: wrong.collect(),
            removed: checked.removed,
            unfinished: checked.unfinished,
            compiled: compiled.map(|checked| {
                let wrong =
                    checked.wrong.iter().map(|one| WrongReport { path: one.name.clone(), what: one.what.clone() });
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
}

/// Returns `1 content` or `2 contents`.
pub fn count(number: u64, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if number == 1 => format!("1 {what}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {what}s"),
    }
}
