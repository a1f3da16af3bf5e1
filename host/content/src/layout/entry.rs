//! The entries of `index.json` and their names.

use oci_spec::image::ANNOTATION_REF_NAME;
use refkit_oci::Descriptor;

/// The annotation by which containerd, Docker and BuildKit name an entry, with a whole reference.
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// An entry of a layout's `index.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The descriptor in the index.
    pub descriptor: Descriptor,
    /// The tags in its annotations: none, one, rarely two.
    pub tags: Vec<String>,
}

impl Entry {
    pub(super) fn new(descriptor: Descriptor) -> Self {
        let annotations = descriptor.annotations.iter();
        let mut tags: Vec<String> = annotations.filter_map(|(key, value)| tag_of(key, value)).collect();
        tags.dedup();
        Self { descriptor, tags }
    }

    /// Returns the name of an entry that has one and no tag: nothing finds the entry by such a name.
    pub fn name_without_tag(&self) -> Option<&str> {
        let names = || self.descriptor.annotations.iter().filter(|(key, _)| key == ANNOTATION_REF_NAME);
        names().map(|(_, name)| name.as_str()).next().filter(|_| self.tags.is_empty())
    }
}

/// Returns the tag that an annotation gives an entry: the tag of `io.containerd.image.name`, and of
/// `org.opencontainers.image.ref.name` the name itself if it can be a tag, otherwise the tag at its end.
pub(super) fn tag_of(key: &str, value: &str) -> Option<String> {
    let whole = match key {
        ANNOTATION_REF_NAME => is_tag(value),
        CONTAINERD_NAME => false,
        _ => return None,
    };
    if whole {
        return Some(value.to_owned());
    }
    let name = value.split_once('@').map_or(value, |(name, _)| name);
    let (_, tag) = name.rsplit_once(':')?;
    is_tag(tag).then(|| tag.to_owned())
}

/// Returns whether a text can be a tag, as OCI distribution 1.1, section "Pulling Manifests".
pub(super) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    text.len() <= 128 && bytes.next().is_some_and(word) && bytes.all(|byte| word(byte) || byte == b'.' || byte == b'-')
}
