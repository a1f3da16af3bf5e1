//! What a repository is called at another host.

use refkit_content::Problem;
use regex::Regex;

/// A regular expression, and what takes the place of what it matches: `^rancher/(.*)` and `mirror/rancher/$1`.
#[derive(Debug, Clone)]
pub struct Rewrite {
    pattern: Regex,
    replacement: String,
}

impl Rewrite {
    /// Returns the rule.
    ///
    /// # Errors
    /// Where the pattern is no regular expression.
    pub fn new(pattern: &str, replacement: &str) -> Result<Self, Problem> {
        let malformed = |error: regex::Error| {
            // The last line says what is wrong; those before show where.
            let text = error.to_string();
            Problem::Malformed(format!("{pattern:?} is no pattern: {}", text.lines().last().unwrap_or_default().trim()))
        };
        let pattern = Regex::new(pattern).map_err(malformed)?;
        Ok(Self { pattern, replacement: replacement.to_owned() })
    }

    /// Returns what a repository's path becomes; none where the rule is not about it.
    pub fn apply(&self, path: &str) -> Option<String> {
        let replaced = self.pattern.replace(path, self.replacement.as_str());
        self.pattern.is_match(path).then(|| replaced.into_owned())
    }
}
