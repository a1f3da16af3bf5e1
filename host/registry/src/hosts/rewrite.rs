//! Rules that rename repositories at another host.

use std::fmt;

use refkit_content::ErrorKind;
use regex::{Regex, RegexBuilder};

/// The longest pattern and the longest replacement, in bytes: the path of a repository has at most 255.
const MAX_LENGTH: usize = 1024;

/// The most memory for a pattern, in bytes.
const MAX_MEMORY: usize = 1 << 20;

/// A regular expression and its replacement: `^rancher/(.*)` and `mirror/rancher/$1`. As in the `registries.yaml` of
/// k3s, every match is replaced, so most patterns should begin with `^`.
#[derive(Debug, Clone)]
pub struct Rewrite {
    pattern: Regex,
    replacement: String,
}

impl Rewrite {
    /// Returns the rule.
    ///
    /// # Errors
    /// The error if the pattern is no regular expression, or if one of the two is longer than 1024 bytes.
    pub fn new(pattern: &str, replacement: &str) -> Result<Self, ErrorKind> {
        if pattern.len().max(replacement.len()) > MAX_LENGTH {
            return Err(ErrorKind::Malformed(format!("a rewrite with more than {MAX_LENGTH} bytes")));
        }
        let malformed = |error: regex::Error| {
            // The last line of the message has the reason; the earlier ones mark the position.
            let text = error.to_string();
            ErrorKind::Malformed(format!(
                "{pattern:?} is no pattern: {}",
                text.lines().last().unwrap_or_default().trim()
            ))
        };
        let pattern = RegexBuilder::new(pattern).size_limit(MAX_MEMORY).build().map_err(malformed)?;
        Ok(Self { pattern, replacement: replacement.to_owned() })
    }

    /// Returns the rewritten path of a repository, or none if the pattern does not match.
    pub fn apply(&self, path: &str) -> Option<String> {
        let replaced = || self.pattern.replace_all(path, self.replacement.as_str()).into_owned();
        self.pattern.is_match(path).then(replaced)
    }
}

/// Writes `^rancher/(.*) -> mirror/rancher/$1`.
impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.pattern, self.replacement)
    }
}
