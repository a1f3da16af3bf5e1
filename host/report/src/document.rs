//! Selecting one document of a resolution.

use refkit::Image;
use refkit_oci::Descriptor;

/// A document of which the caller wants the exact bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentSelector {
    /// The document that the reference names.
    Root,
    /// The index that lists the platform's manifest.
    Index,
    /// The platform's manifest.
    Manifest,
    /// The platform's config.
    Config,
}

impl DocumentSelector {
    /// Returns the descriptor of the document, given the root and the image of one platform. An image without its
    /// config has none for [`Self::Config`].
    pub fn select<'a>(self, root: &'a Descriptor, image: &'a Image<Descriptor>) -> Option<&'a Descriptor> {
        match self {
            Self::Root => Some(root),
            Self::Index => Some(image.parents.last().unwrap_or(root)),
            Self::Manifest => Some(&image.manifest),
            Self::Config => image.config.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_selector_has_its_document() {
        let descriptor = |number: u8| {
            let digest = format!("sha256:{number:064x}").parse().unwrap();
            Descriptor::new("application/vnd.oci.image.manifest.v1+json", digest, 400)
        };
        let root = descriptor(0);
        let image = |parents: &[u8], config: Option<u8>| Image {
            platform: None,
            parents: parents.iter().copied().map(descriptor).collect(),
            manifest: descriptor(1),
            config: config.map(descriptor),
            attestations: Vec::new(),
        };
        let rows = [
            (DocumentSelector::Root, Some(0), Some(0)),
            // The innermost index lists the manifest; it is the root if no other index stands between.
            (DocumentSelector::Index, Some(4), Some(0)),
            (DocumentSelector::Manifest, Some(1), Some(1)),
            (DocumentSelector::Config, Some(2), None),
        ];
        let (nested, flat) = (image(&[3, 4], Some(2)), image(&[], None));
        for (selector, of_nested, of_flat) in rows {
            assert_eq!(selector.select(&root, &nested), of_nested.map(descriptor).as_ref(), "{selector:?}");
            assert_eq!(selector.select(&root, &flat), of_flat.map(descriptor).as_ref(), "{selector:?}");
        }
    }
}
