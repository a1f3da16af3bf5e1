//! What is told of the cache.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use refkit::text::{Bytes, Escaped};
use refkit_content::disk::{Checked, Freed, Info};
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
}

impl InfoReport {
    /// Returns what is told.
    pub fn of(info: &Info) -> Self {
        let seconds = |time: Option<SystemTime>| Some(time?.duration_since(UNIX_EPOCH).ok()?.as_secs());
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
        }
    }

    /// Returns the same for people.
    pub fn rows(&self) -> Vec<[String; 2]> {
        // What a file system says may be beyond the year 9999, which is not written so.
        let used = |at: Option<u64>| {
            let at = Duration::from_secs(at.filter(|at| *at < 253_402_300_800)?);
            Some(httpdate::fmt_http_date(UNIX_EPOCH + at))
        };
        let mut rows = vec![
            ["directory".to_owned(), Escaped(&self.directory).to_string()],
            ["size".to_owned(), format!("{} of at most {}", Bytes(self.bytes), Bytes(self.limit))],
            ["contents".to_owned(), self.contents.to_string()],
            ["grants".to_owned(), self.grants.to_string()],
            ["tags".to_owned(), self.tags.to_string()],
            ["lists".to_owned(), self.lists.to_string()],
        ];
        if self.unfinished > 0 {
            rows.push(["unfinished".to_owned(), self.unfinished.to_string()]);
        }
        let uses = [("oldest use", self.oldest_use), ("newest use", self.newest_use)];
        rows.extend(uses.into_iter().filter_map(|(name, at)| Some([name.to_owned(), used(at)?])));
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
}

impl FreedReport {
    /// Returns what is told.
    pub fn of(freed: &Freed) -> Self {
        let Freed { contents, records, bytes, unfinished } = *freed;
        Self { contents, records, bytes, unfinished }
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
}

#[derive(Debug, Serialize)]
struct WrongReport {
    path: String,
    what: String,
}

impl VerifiedReport {
    /// Returns what is told.
    pub fn of(checked: &Checked) -> Self {
        let wrong = checked.wrong.iter().map(|one| WrongReport { path: one.path.clone(), what: one.what.clone() });
        Self {
            contents: checked.contents,
            records: checked.records,
            bytes: checked.bytes,
            wrong: wrong.collect(),
            removed: checked.removed,
            unfinished: checked.unfinished,
        }
    }
}

/// Returns `1 content` or `2 contents`.
pub fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
