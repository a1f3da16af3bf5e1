//! Where a run may write.

use refkit_content::{ErrorKind, UngrantedWrite};
use refkit_oci::pattern::Pattern;
use refkit_oci::{Reference, Repository};

/// Repositories and tags that the runs of a publisher may write besides the destinations of their requests. What a run may
/// read is another matter: see [`Grants`](crate::Grants).
#[derive(Debug, Clone, Default)]
pub struct WriteGrants {
    patterns: Vec<Pattern>,
}

impl WriteGrants {
    /// Returns grants for what one of the patterns matches. A pattern with a tag grants pushes of content and of that tag;
    /// one without a tag grants every tag.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        Self { patterns: patterns.into_iter().collect() }
    }

    /// Checks that a run for these destinations may push content, under its digest, into a repository.
    pub(crate) fn content(&self, destinations: &[Reference], repository: &Repository) -> Result<(), ErrorKind> {
        let requested = destinations.iter().any(|one| one.repository() == repository);
        if requested || self.patterns.iter().any(|pattern| pattern.matches_name(repository)) {
            return Ok(());
        }
        Err(ungranted(repository, None))
    }

    /// Checks that a run for these destinations may move the tag of a reference, or push under its digest.
    pub(crate) fn reference(&self, destinations: &[Reference], wanted: &Reference) -> Result<(), ErrorKind> {
        let Some(tag) = wanted.tag() else { return self.content(destinations, wanted.repository()) };
        let requested = |one: &Reference| one.repository() == wanted.repository() && one.tag() == Some(tag);
        // The digest is that of the content; the tag is what is granted.
        let bare = Reference::new(wanted.repository().clone(), Some(tag.to_owned()), None).ok();
        let granted = |bare: &Reference| self.patterns.iter().any(|pattern| pattern.matches(bare));
        if destinations.iter().any(requested) || bare.as_ref().is_some_and(granted) {
            return Ok(());
        }
        Err(ungranted(wanted.repository(), Some(tag)))
    }
}

fn ungranted(repository: &Repository, tag: Option<&str>) -> ErrorKind {
    let ungranted = UngrantedWrite { repository: repository.clone(), tag: tag.map(str::to_owned) };
    ErrorKind::UngrantedWrite(Box::new(ungranted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_destinations_and_the_patterns_are_granted() {
        let destinations = [
            "registry.test/app:1.0",
            "registry.test/by-digest@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ];
        let destinations: Vec<Reference> = destinations.iter().map(|text| text.parse().unwrap()).collect();
        let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let at = |name: &str| format!("{name}@{digest}");
        for (grant, reference, granted) in [
            (None, "registry.test/app:1.0".to_owned(), true),
            (None, at("registry.test/app"), true),
            (None, at("registry.test/app:1.0"), true),
            (None, at("registry.test/by-digest"), true),
            // Another tag, repository or registry, and other spellings of them.
            (None, "registry.test/app:latest".to_owned(), false),
            (None, at("registry.test/app:2.0"), false),
            (None, "registry.test/by-digest:1.0".to_owned(), false),
            (None, "registry.test/app/sub:1.0".to_owned(), false),
            (None, "registry.test:5000/app:1.0".to_owned(), false),
            (None, "registry.test/other:1.0".to_owned(), false),
            (None, at("registry.test/other"), false),
            // Patterns.
            (Some("registry.test/other"), "registry.test/other:1.0".to_owned(), true),
            (Some("registry.test/other:1.*"), "registry.test/other:1.0".to_owned(), true),
            (Some("registry.test/other:1.*"), at("registry.test/other:1.0"), true),
            (Some("registry.test/other:1.*"), at("registry.test/other"), true),
            (Some("registry.test/other:1.*"), "registry.test/other:2.0".to_owned(), false),
            (Some("registry.test/other"), "registry.test/third:1.0".to_owned(), false),
        ] {
            let grants = WriteGrants::new(grant.map(|pattern| Pattern::parse(pattern).unwrap()));
            let checked = grants.reference(&destinations, &reference.parse().unwrap());
            assert_eq!(checked.is_ok(), granted, "{grant:?} {reference}: {checked:?}");
            // The error names exactly what a pattern has to grant.
            if let Err(ErrorKind::UngrantedWrite(ungranted)) = checked {
                let UngrantedWrite { repository, tag } = *ungranted;
                let name = tag.map_or_else(|| repository.to_string(), |tag| format!("{repository}:{tag}"));
                let grants = WriteGrants::new([Pattern::parse(&name).unwrap()]);
                grants.reference(&destinations, &reference.parse().unwrap()).unwrap();
            }
        }
    }
}
