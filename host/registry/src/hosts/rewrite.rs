//! What a repository is called at another host.

use std::fmt;

use refkit_content::ErrorKind;
use regex::{Regex, RegexBuilder};

/// The longest pattern and the longest replacement, bytes: the path of a repository has at most 255.
const MAX_LENGTH: usize = 1024;

/// The most memory for a pattern, bytes.
const MAX_MEMORY: usize = 1 << 20;

/// A regular expression, and what takes the place of what it matches: `^rancher/(.*)` and `mirror/rancher/$1`. As k3s
/// has them in `registries.yaml`, every match is replaced, so that a pattern is mostly to begin with `^`.
#[derive(Debug, Clone)]
pub struct Rewrite {
    pattern: Regex,
    replacement: String,
}

impl Rewrite {
    /// Returns the rule.
    ///
    /// # Errors
    /// Where the pattern is no regular expression, or one of the two is longer than 1024 bytes.
    pub fn new(pattern: &str, replacement: &str) -> Result<Self, ErrorKind> {
        if pattern.len().max(replacement.len()) > MAX_LENGTH {
            return Err(ErrorKind::Malformed(format!("a rewrite with more than {MAX_LENGTH} bytes")));
        }
        let malformed = |error: regex::Error| {
            // The last line says what is wrong; those before show where.
            let text = error.to_string();
            ErrorKind::Malformed(format!(
                "{pattern:?} is no pattern: {}",
                text.lines().last().unwrap_or_default().trim()
            ))
        };
        let pattern = RegexBuilder::new(pattern).size_limit(MAX_MEMORY).build().map_err(malformed)?;
        Ok(Self { pattern, replacement: replacement.to_owned() })
    }

    /// Returns what a repository's path becomes; none where the rule is not about it.
    pub fn apply(&self, path: &str) -> Option<String> {
        let replaced = || self.pattern.replace_all(path, self.replacement.as_str()).into_owned();
        self.pattern.is_match(path).then(replaced)
    }
}

/// `^rancher/(.*) -> mirror/rancher/$1`.
impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.pattern, self.replacement)
    }
}
