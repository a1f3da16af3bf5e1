//! Which repositories a run may read.

use refkit_content::ErrorKind;
use refkit_oci::Repository;
use refkit_oci::pattern::Pattern;

/// Repositories that the runs of a resolver may read besides the requested one.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    patterns: Vec<Pattern>,
}

impl Grants {
    /// Returns grants for the repositories that one of the patterns matches.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        Self { patterns: patterns.into_iter().collect() }
    }

    /// Checks that a run which was asked for `requested` may read `repository`.
    pub(crate) fn check(&self, requested: &[Repository], repository: &Repository) -> Result<(), ErrorKind> {
        if requested.contains(repository) || self.patterns.iter().any(|pattern| pattern.matches_repository(repository))
        {
            return Ok(());
        }
        Err(ErrorKind::Ungranted(repository.clone()))
    }
}
