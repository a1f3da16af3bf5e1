//! What a build calls an image, and what policies call it.

use refkit_buildkit::definition::{OCI_SESSION, OCI_STORE, Store};
use refkit_buildkit::pb;
use refkit_oci::{Digest, Platform, Reference, Repository};

/// The registry part of the references by which policies know images of layouts.
const LAYOUT: &str = "oci-layout";

/// An image as a build names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The reference, normalised, as it stands in the build.
    pub reference: Reference,
    /// The layout that it is in, which a session has; none is a registry.
    pub layout: Option<Store>,
}

impl Name {
    /// Returns what BuildKit calls the image.
    pub fn identifier(&self) -> String {
        identifier(&self.reference, self.layout.is_some())
    }

    /// Returns the source operation that reads the image.
    pub fn source(&self) -> pb::SourceOp {
        let attrs = self.layout.iter().flat_map(|store| [(OCI_STORE, &store.id), (OCI_SESSION, &store.session)]);
        let attrs = attrs.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        pb::SourceOp { identifier: self.identifier(), attrs }
    }

    /// Returns the reference by which policies know it. A layout's name in a build is a made-up one; policies see the
    /// registry `oci-layout` before it.
    ///
    /// # Errors
    /// When the name of a layout cannot stand in a reference.
    pub fn seen(&self) -> Result<Reference, refkit_oci::reference::ReferenceError> {
        if self.layout.is_none() {
            return Ok(self.reference.clone());
        }
        let repository = Repository::new(LAYOUT, self.reference.repository().familiar())?;
        Reference::new(repository, self.reference.tag().map(str::to_owned), self.reference.digest().cloned())
    }

    /// Returns what the build calls the image that policies chose instead. Another repository than that of a layout is
    /// one of a registry.
    pub fn chosen(&self, reference: &Reference) -> Name {
        match &self.layout {
            Some(_) if reference.repository().registry() == LAYOUT => {
                let own = &self.reference;
                let digest = reference.digest().or(own.digest()).cloned();
                let named = Reference::new(own.repository().clone(), own.tag().map(str::to_owned), digest);
                Name { reference: named.unwrap_or_else(|_| own.clone()), layout: self.layout.clone() }
            }
            _ => Name { reference: reference.clone(), layout: None },
        }
    }

    /// Returns the same image by a digest.
    pub fn pinned(&self, digest: &Digest) -> Name {
        Name { reference: self.reference.with_digest(digest.clone()), layout: self.layout.clone() }
    }
}

fn identifier(reference: &Reference, layout: bool) -> String {
    let scheme = if layout { "oci-layout" } else { "docker-image" };
    format!("{scheme}://{reference}")
}

/// The platform that an image is wanted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The platform that policies see, normalised.
    pub platform: Platform,
    /// Whether the build names it. Where it does not, BuildKit takes its own, and is asked without one.
    pub is_named: bool,
}

/// What a run of the policies is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The image.
    pub name: Name,
    /// What it is wanted for.
    pub wanted: Wanted,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn name(text: &str, layout: bool) -> Name {
        let layout = layout.then(|| Store { id: "store".into(), session: "s".into() });
        Name { reference: text.parse().unwrap(), layout }
    }

    #[test]
    fn names_and_what_policies_call_them() {
        // as the build has it, of a layout, its identifier, what policies see
        let rows = [
            ("alpine", false, "docker-image://docker.io/library/alpine:latest", "docker.io/library/alpine:latest"),
            ("ghcr.io/a/b:1", false, "docker-image://ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            (
                &format!("base@{DIGEST}"),
                true,
                &format!("oci-layout://docker.io/library/base@{DIGEST}"),
                &format!("oci-layout/base@{DIGEST}"),
            ),
        ];
        for (text, layout, identifier, seen) in rows {
            let name = name(text, layout);
            assert_eq!(name.identifier(), identifier);
            assert_eq!(name.seen().unwrap().to_string(), seen);
        }
    }

    #[test]
    fn what_is_chosen_instead() {
        let image = name("alpine", false);
        let chosen = image.chosen(&format!("mirror.test/alpine:1@{DIGEST}").parse().unwrap());
        assert_eq!(chosen, name(&format!("mirror.test/alpine:1@{DIGEST}"), false));
        let base = name(&format!("base@{DIGEST}"), true);
        let seen = base.seen().unwrap().with_digest(OTHER.parse().unwrap());
        assert_eq!(base.chosen(&seen), name(&format!("base@{OTHER}"), true));
        assert_eq!(base.chosen(&"alpine:3".parse().unwrap()), name("alpine:3", false));
    }
}
