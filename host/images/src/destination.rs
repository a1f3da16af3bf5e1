//! Where a new image goes: a reference of a registry, or a layout directory.

use std::path::PathBuf;

use refkit_content::{Error, LayoutReference};
use refkit_oci::reference::ReferenceError;
use refkit_oci::{Digest, Reference, Repository};

/// Where a new image goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A reference in a registry, with a tag.
    Registry(Reference),
    /// A layout directory, and the image's name in it, if it gets one.
    Layout(PathBuf, Option<String>),
}

/// Why a text names no destination.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// The text has no tag.
    #[error("the destination {0} has no tag")]
    NoTag(String),
    /// The text has a digest.
    #[error("the destination {0} has a digest; leave it out, because the content decides it")]
    Digest(String),
    /// The text names the file of an archive.
    #[error("{0} would be an archive, and layouts are written as directories")]
    Archive(String),
    /// The text is no reference of a registry.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The text is a malformed reference of a layout.
    #[error(transparent)]
    Layout(#[from] Error),
}

impl Destination {
    /// Reads a destination with a tag: `[REGISTRY/]REPOSITORY:TAG` or `oci-layout:PATH:TAG`.
    ///
    /// # Errors
    /// A [`DestinationError`] for every other text.
    pub fn tagged(text: &str) -> Result<Self, DestinationError> {
        match LayoutReference::parse(text)? {
            Some(LayoutReference { tag: None, digest: None, .. }) => Err(DestinationError::NoTag(text.to_owned())),
            Some(layout) => Self::of_layout(text, layout),
            None if Repository::parse(text).is_ok() => Err(DestinationError::NoTag(text.to_owned())),
            None => match Reference::parse(text)? {
                reference if reference.digest().is_some() => Err(DestinationError::Digest(text.to_owned())),
                reference => Ok(Self::Registry(reference)),
            },
        }
    }

    /// Reads a layout directory, `PATH[:TAG]`, with or without `oci-layout:` before it.
    ///
    /// # Errors
    /// A [`DestinationError`] for every other text.
    pub fn layout(text: &str) -> Result<Self, DestinationError> {
        let path = text.strip_prefix(SCHEME).unwrap_or(text);
        match LayoutReference::parse(&format!("{SCHEME}{path}"))? {
            Some(layout) => Self::of_layout(text, layout),
            None => Err(DestinationError::NoTag(text.to_owned())),
        }
    }

    fn of_layout(text: &str, layout: LayoutReference) -> Result<Self, DestinationError> {
        if layout.digest.is_some() {
            return Err(DestinationError::Digest(text.to_owned()));
        }
        if layout.path.extension().is_some_and(|extension| extension == "tar") {
            return Err(DestinationError::Archive(text.to_owned()));
        }
        Ok(Self::Layout(layout.path, layout.tag))
    }

    /// Returns the registry; a layout has none.
    pub fn registry(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) => Some(reference.repository().registry()),
            Self::Layout(..) => None,
        }
    }

    /// Returns the tag that the image gets.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Registry(reference) => reference.tag(),
            Self::Layout(_, tag) => tag.as_deref(),
        }
    }

    /// Returns the reference of the written image, with its digest.
    pub fn pinned(&self, digest: &Digest) -> String {
        match self {
            Self::Registry(reference) => reference.with_digest(digest.clone()).to_string(),
            Self::Layout(path, tag) => {
                let tag = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
                format!("{SCHEME}{}{tag}@{digest}", path.display())
            }
        }
    }
}

/// What a layout's reference starts with.
const SCHEME: &str = "oci-layout:";

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn shown(found: Result<Destination, DestinationError>) -> Result<String, String> {
        found.map(|found| found.pinned(&DIGEST.parse().unwrap())).map_err(|error| error.to_string())
    }

    #[test]
    fn destinations_with_a_tag() {
        let digest = |name: &str| format!("{name}@{DIGEST}");
        let no_tag = |name: &str| Err(format!("the destination {name} has no tag"));
        let chosen = |name: &str| {
            Err(format!("the destination {name} has a digest; leave it out, because the content decides it"))
        };
        let rows = [
            ("r.test/a:1", Ok(digest("r.test/a:1"))),
            ("a:1", Ok(digest("docker.io/library/a:1"))),
            ("oci-layout:./d:1", Ok(digest("oci-layout:./d:1"))),
            ("r.test/a", no_tag("r.test/a")),
            ("oci-layout:./d", no_tag("oci-layout:./d")),
            (&digest("r.test/a:1"), chosen(&digest("r.test/a:1"))),
            (&digest("oci-layout:./d"), chosen(&digest("oci-layout:./d"))),
            (
                "oci-layout:d.tar:1",
                Err("oci-layout:d.tar:1 would be an archive, and layouts are written as directories".into()),
            ),
        ];
        for (text, wanted) in rows {
            assert_eq!(shown(Destination::tagged(text)), wanted, "{text}");
        }
        assert!(matches!(Destination::tagged("r.test/A:1"), Err(DestinationError::Reference(_))));
        assert!(matches!(Destination::tagged("oci-layout:"), Err(DestinationError::Layout(_))));
    }

    #[test]
    fn layouts_need_no_tag_and_no_scheme() {
        for (text, wanted) in
            [("./d", "oci-layout:./d"), ("./d:1", "oci-layout:./d:1"), ("oci-layout:./d:1", "oci-layout:./d:1")]
        {
            assert_eq!(shown(Destination::layout(text)), Ok(format!("{wanted}@{DIGEST}")), "{text}");
        }
        assert!(matches!(Destination::layout("d.tar"), Err(DestinationError::Archive(_))));
        assert!(matches!(Destination::layout(&format!("./d@{DIGEST}")), Err(DestinationError::Digest(_))));
        assert!(matches!(Destination::layout(""), Err(DestinationError::Layout(_))));
    }
}
