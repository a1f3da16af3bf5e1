//! What differs between two images, or two indexes of images.
//!
//! Images are compared platform by platform, and layers from below: what both have as their lowest layers is shared, and
//! the rest of the first is removed and that of the second added.
//!
//! ```
//! use refkit_images::diff::{Image, Side, diff};
//! # use refkit_content::{Content, verify::digest};
//! # use refkit_oci::{Algorithm, Descriptor, document::{Manifest, media_type}};
//! # let describe = |media_type: &str, bytes: &[u8]| {
//! #     Descriptor::new(media_type, digest(Algorithm::Sha256, bytes), bytes.len() as u64)
//! # };
//! # let fetched = |config: &[u8]| {
//! #     let (media_type, config) = (media_type::MANIFEST.to_owned(), describe(media_type::CONFIG, config));
//! #     let (layers, annotations, unverifiable) = (Vec::new(), Vec::new(), Vec::new());
//! #     let (artifact_type, subject) = (None, None);
//! #     let manifest = Manifest { media_type, config, layers, artifact_type, subject, annotations, unverifiable };
//! #     let bytes = serde_json::to_vec(&manifest).unwrap();
//! #     Content { descriptor: describe(media_type::MANIFEST, &bytes), bytes: bytes.into() }
//! # };
//! let old = br#"{"os":"linux","architecture":"amd64","config":{"User":"root"}}"#;
//! let new = br#"{"os":"linux","architecture":"amd64","config":{"User":"app"}}"#;
//! let [first, second] = [&old[..], &new[..]].map(|config| Image::read(&fetched(config), config));
//! let diff = diff(&Side::image(first?), &Side::image(second?));
//! assert_eq!(diff.images[0].config[0].to_string(), "user: root, then app");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod side;

use refkit_oci::{Descriptor, Digest, Platform};

pub use config::Field;
pub use side::{Image, Side};

/// A value on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// The first side's.
    pub first: T,
    /// The second side's.
    pub second: T,
}

impl<T: PartialEq> Change<T> {
    /// Returns the values where they differ.
    fn of(first: T, second: T) -> Option<Self> {
        (first != second).then_some(Self { first, second })
    }
}

/// Texts with names, of which some differ: annotations, labels, an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// What only the first side has.
    pub removed: Vec<(String, String)>,
    /// What only the second side has.
    pub added: Vec<(String, String)>,
    /// What has another value on the second side.
    pub changed: Vec<(String, Change<String>)>,
}

impl Texts {
    /// Returns what differs; each name is once in a list.
    fn of(first: &[(String, String)], second: &[(String, String)]) -> Self {
        let find = |list: &[(String, String)], name: &str| {
            list.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let without = |list: &[(String, String)], other: &[(String, String)]| {
            list.iter().filter(|(name, _)| find(other, name).is_none()).cloned().collect()
        };
        let changed = first
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), Change::of(value.clone(), find(second, name)?)?)));
        Self { removed: without(first, second), added: without(second, first), changed: changed.collect() }
    }

    /// Returns whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty() && self.changed.is_empty()
    }
}

/// What differs between two sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// The media types of the documents.
    pub media_type: Option<Change<String>>,
    /// The annotations of the indexes; those of images are with the images.
    pub annotations: Texts,
    /// The platforms that only the first side has.
    pub removed: Vec<Platform>,
    /// The platforms that only the second side has.
    pub added: Vec<Platform>,
    /// The images of the same platform that differ.
    pub images: Vec<ImageDiff>,
}

impl Diff {
    /// Returns whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What differs between two images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDiff {
    /// The platform of the first.
    pub platform: Platform,
    /// The digests of the manifests.
    pub digest: Change<Digest>,
    /// The annotations of the manifests.
    pub annotations: Texts,
    /// The fields of the configs that differ.
    pub config: Vec<Field>,
    /// How many of the lowest layers both have.
    pub shared: usize,
    /// The other layers of the first.
    pub removed: Vec<Descriptor>,
    /// The other layers of the second.
    pub added: Vec<Descriptor>,
}

/// Compares two sides. Images of equal manifests do not differ.
pub fn diff(first: &Side, second: &Side) -> Diff {
    let mut diff = Diff {
        media_type: Change::of(first.media_type.clone(), second.media_type.clone()),
        annotations: Texts::of(&first.annotations, &second.annotations),
        ..Diff::default()
    };
    if let ([one], [other]) = (&first.images[..], &second.images[..])
        && first.is_image
        && second.is_image
    {
        diff.images.extend(images(one, other));
        return diff;
    }
    let mut others: Vec<&Image> = second.images.iter().collect();
    for one in &first.images {
        match others.iter().position(|other| other.platform == one.platform) {
            Some(place) => diff.images.extend(images(one, others.remove(place))),
            None => diff.removed.push(one.platform.clone()),
        }
    }
    diff.added = others.into_iter().map(|other| other.platform.clone()).collect();
    diff
}

fn images(first: &Image, second: &Image) -> Option<ImageDiff> {
    let digest = Change::of(first.digest.clone(), second.digest.clone())?;
    let (one, other) = (&first.manifest.layers, &second.manifest.layers);
    let shared = one.iter().zip(other).take_while(|(one, other)| one.digest == other.digest).count();
    Some(ImageDiff {
        platform: first.platform.clone(),
        digest,
        annotations: Texts::of(&first.manifest.annotations, &second.manifest.annotations),
        config: Field::all(first, second),
        shared,
        removed: one.iter().skip(shared).cloned().collect(),
        added: other.iter().skip(shared).cloned().collect(),
    })
}
