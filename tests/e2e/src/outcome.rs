//! The outcome of a build.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use refkit_support::filters::{DIGESTS, PORTS, filtered};
use serde_json::Value;
use tempfile::TempDir;

use crate::run::Ended;

/// The prefixes of the reason in the output of `buildctl`; the second one if the build ends before the client's side
/// of it.
const ERRORS: [&str; 2] = ["error: failed to solve: ", "error: failed to run Build function: "];

/// A step in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, such as `[1/2] FROM REFERENCE`.
    pub name: String,
    /// Whether its result came from BuildKit's cache.
    pub cached: bool,
    /// Its warnings.
    pub warnings: Vec<String>,
}

/// The outcome of a build, with its output for people.
pub struct Outcome {
    /// Whether it succeeded.
    pub success: bool,
    /// The exit status of `buildctl`; none if it was killed.
    pub status: Option<i32>,
    /// The build's log, with the error at its end.
    pub log: String,
    /// The standard output of `buildctl`.
    pub stdout: String,
    /// The content of `--metadata-file`; null if the build failed.
    pub metadata: Value,
    /// The wall time.
    pub elapsed: Duration,
    directory: TempDir,
}

impl Outcome {
    pub(crate) fn new(ended: Ended, metadata: Value, directory: TempDir) -> Self {
        Self {
            success: ended.status.success(),
            status: ended.status.code(),
            log: ended.stderr,
            stdout: ended.stdout,
            metadata,
            elapsed: ended.elapsed,
            directory,
        }
    }

    /// Returns the outcome if the build succeeded.
    ///
    /// # Errors
    /// An error if it failed.
    pub fn succeeded(self) -> anyhow::Result<Self> {
        if !self.success {
            bail!("the build failed:\n{}", self.log);
        }
        Ok(self)
    }

    /// Returns the outcome if the build failed.
    ///
    /// # Errors
    /// An error if it succeeded.
    pub fn failed(self) -> anyhow::Result<Self> {
        if self.success {
            bail!("the build succeeded:\n{}", self.log);
        }
        Ok(self)
    }

    /// Returns the reason of the failure, without the part of the Dockerfile before it; empty if the build succeeded.
    pub fn error(&self) -> &str {
        let reason = ERRORS.iter().find_map(|error| self.log.split_once(error));
        reason.map(|(_, reason)| reason.trim_end()).unwrap_or_default()
    }

    /// Returns the line of the Dockerfile beside the error.
    pub fn error_line(&self) -> Option<&str> {
        let marked = self.log.lines().find_map(|line| line.split_once("| >>> "))?;
        Some(marked.1)
    }

    /// Returns the steps in the log, in the order of their start.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<(&str, Step)> = Vec::new();
        for line in self.log.lines().filter(|line| line.starts_with('#')) {
            let Some((id, text)) = line.split_once(' ') else { continue };
            let Some((_, step)) = steps.iter_mut().find(|(known, _)| *known == id) else {
                steps.push((id, Step { name: text.to_owned(), cached: false, warnings: Vec::new() }));
                continue;
            };
            if let Some(warning) = text.strip_prefix("WARN: ") {
                step.warnings.push(warning.to_owned());
            }
            step.cached |= text == "CACHED";
        }
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// Returns the warnings of all steps.
    pub fn warnings(&self) -> Vec<String> {
        self.steps().into_iter().flat_map(|step| step.warnings).collect()
    }

    /// Returns a text, such as [`Outcome::error`], with ports and digests replaced, for a snapshot.
    pub fn neutral(text: &str) -> String {
        filtered(text, &[PORTS, DIGESTS].concat())
    }

    /// Returns the path of the build's output: a layout, or its files.
    pub fn output(&self) -> PathBuf {
        Self::output_of(&self.directory)
    }

    pub(crate) fn output_of(directory: &TempDir) -> PathBuf {
        directory.path().join("output")
    }
}
