//! What a program prints about a lock.

use refkit::lock::{Change, Entry, Moved};
use serde::Serialize;

use crate::json::{self, DenialReport, ErrorReport};
use crate::{Escaped, RunOutput, Status};

/// What a program prints about a lock.
#[derive(Debug, Default)]
pub struct LockOutput {
    /// Lines for people, escaped.
    pub lines: Vec<String>,
    /// Messages about denials and errors, escaped.
    pub messages: Vec<String>,
    report: LockReport,
    denied: bool,
}

/// The JSON about a lock:
///
/// ```text
/// outcome   "resolved", "moved", "failed" or "denied"
/// entries   [{reference, pinned}], sorted by reference
/// moved     [{reference, platform, was, is}]; `was` and `is` are absent if the lock lacks the reference for the platform
/// denials   as those of `resolve`
/// error     {code, message} of the first failure
/// ```
#[derive(Debug, Clone, Default, Serialize)]
struct LockReport {
    outcome: &'static str,
    entries: Vec<EntryReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moved: Vec<MovedReport>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    denials: Vec<DenialReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorReport>,
}

#[derive(Debug, Clone, Serialize)]
struct EntryReport {
    reference: String,
    pinned: String,
}

#[derive(Debug, Clone, Serialize)]
struct MovedReport {
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<String>,
}

impl LockOutput {
    /// Adds an entry: its line is the pinned reference.
    pub fn entry(&mut self, entry: &Entry) {
        self.lines.push(Escaped(&entry.pinned).to_string());
        self.holds(entry);
    }

    /// Adds an entry that holds: it has no line.
    pub fn holds(&mut self, entry: &Entry) {
        let (reference, pinned) = (entry.reference.to_string(), entry.pinned.to_string());
        self.report.entries.push(EntryReport { reference, pinned });
    }

    /// Adds what moved.
    pub fn moved(&mut self, moved: &Moved) {
        self.lines.push(Escaped(format_args!("moved: {moved}")).to_string());
        let reference = || moved.reference.to_string();
        let reports = match &moved.change {
            Change::Pinned { was, is } => {
                let (was, is) = (Some(was.to_string()), Some(is.to_string()));
                vec![MovedReport { reference: reference(), platform: None, was, is }]
            }
            Change::Image { platform, was, is } => {
                let (platform, was, is) = (Some(platform.to_string()), Some(was.to_string()), Some(is.to_string()));
                vec![MovedReport { reference: reference(), platform, was, is }]
            }
            Change::Missing(platforms) => {
                let missing = |platform: &refkit_oci::Platform| {
                    let platform = Some(platform.to_string());
                    MovedReport { reference: reference(), platform, was: None, is: None }
                };
                platforms.iter().map(missing).collect()
            }
            _ => Vec::new(),
        };
        self.report.moved.extend(reports);
    }

    /// Adds a run that did not end in an entry.
    pub fn failed(&mut self, output: RunOutput) {
        self.messages.extend(output.messages);
        self.denied |= output.status == Status::Denied;
        self.report.denials.extend(output.report.denials);
        if output.status != Status::Denied {
            let unknown = || ErrorReport { code: refkit::ErrorCode::Other.as_str(), message: String::new() };
            let error = output.report.error.unwrap_or_else(unknown);
            self.report.error.get_or_insert(error);
        }
    }

    /// Returns whether all runs ended in entries.
    pub fn is_whole(&self) -> bool {
        !self.denied && self.report.error.is_none()
    }

    /// Returns how all of it ended: what moved is a failure.
    pub fn status(&self) -> Status {
        match (self.denied, self.is_whole() && self.report.moved.is_empty()) {
            (true, _) => Status::Denied,
            (false, true) => Status::Resolved,
            (false, false) => Status::Failed,
        }
    }

    /// Returns the lines of the JSON document.
    pub fn json(&self) -> Vec<String> {
        let outcome = match self.status() {
            Status::Failed if self.report.error.is_none() => "moved",
            status => status.as_str(),
        };
        json::lines(&LockReport { outcome, ..self.report.clone() })
    }
}
