//! The names of an image: one in the build, one for policies.

use refkit_buildkit::definition::{OCI_SESSION, OCI_STORE, Store};
use refkit_buildkit::pb;
use refkit_oci::{Digest, Reference, Repository};

use super::platform::WantedPlatform;

/// The registry of the references by which policies name images of layouts.
const LAYOUT: &str = "oci-layout";

/// The name of an image in a build.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageName {
    /// The normalised reference.
    pub reference: Reference,
    /// The layout of a session that contains the image; `None` for an image of a registry.
    pub layout: Option<Store>,
}

impl ImageName {
    /// Returns BuildKit's identifier of the image.
    pub fn identifier(&self) -> String {
        identifier(&self.reference, self.layout.is_some())
    }

    /// Returns the source operation that reads the image.
    pub fn source(&self) -> pb::SourceOp {
        let attrs = self.layout.iter().flat_map(|store| [(OCI_STORE, &store.id), (OCI_SESSION, &store.session)]);
        let attrs = attrs.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        pb::SourceOp { identifier: self.identifier(), attrs }
    }

    /// Returns the reference by which policies name the image. The build invents the name of a layout, so policies see it
    /// in the registry `oci-layout`.
    ///
    /// # Errors
    /// When the name of the layout is no valid repository.
    pub fn policy_reference(&self) -> Result<Reference, refkit_oci::reference::ReferenceError> {
        if self.layout.is_none() {
            return Ok(self.reference.clone());
        }
        let repository = Repository::new(LAYOUT, self.reference.repository().familiar())?;
        Reference::new(repository, self.reference.tag().map(str::to_owned), self.reference.digest().cloned())
    }

    /// Returns the name, in the build, of the image that the policies chose instead. A repository outside of the registry
    /// `oci-layout` is one of a registry.
    pub fn chosen(&self, reference: &Reference) -> ImageName {
        match &self.layout {
            Some(_) if reference.repository().registry() == LAYOUT => {
                let named = &self.reference;
                let digest = reference.digest().or(named.digest()).cloned();
                let chosen = Reference::new(named.repository().clone(), named.tag().map(str::to_owned), digest);
                ImageName { reference: chosen.unwrap_or_else(|_| named.clone()), layout: self.layout.clone() }
            }
            _ => ImageName { reference: reference.clone(), layout: None },
        }
    }

    /// Returns the same name with a digest.
    pub fn pinned(&self, digest: &Digest) -> ImageName {
        ImageName { reference: self.reference.with_digest(digest.clone()), layout: self.layout.clone() }
    }
}

fn identifier(reference: &Reference, layout: bool) -> String {
    let scheme = if layout { "oci-layout" } else { "docker-image" };
    format!("{scheme}://{reference}")
}

/// The image and the platform that one run of the policies decides about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageRequest {
    /// The image.
    pub name: ImageName,
    /// The platform.
    pub wanted: WantedPlatform,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn name(text: &str, layout: bool) -> ImageName {
        let layout = layout.then(|| Store { id: "store".into(), session: "s".into() });
        ImageName { reference: text.parse().unwrap(), layout }
    }

    #[test]
    fn names_in_a_build_and_for_policies() {
        // the reference in the build, whether it is of a layout, BuildKit's identifier, the reference for policies
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
            assert_eq!(name.policy_reference().unwrap().to_string(), seen);
        }
    }

    #[test]
    fn names_of_images_that_policies_choose() {
        let image = name("alpine", false);
        let chosen = image.chosen(&format!("mirror.test/alpine:1@{DIGEST}").parse().unwrap());
        assert_eq!(chosen, name(&format!("mirror.test/alpine:1@{DIGEST}"), false));
        let base = name(&format!("base@{DIGEST}"), true);
        let seen = base.policy_reference().unwrap().with_digest(OTHER.parse().unwrap());
        assert_eq!(base.chosen(&seen), name(&format!("base@{OTHER}"), true));
        assert_eq!(base.chosen(&"alpine:3".parse().unwrap()), name("alpine:3", false));
    }
}
