//! One reference of a lock.

use refkit_contract::{Absence, Parts, Request, Selection};
use refkit_oci::{Descriptor, Digest, Platform, Reference};

use crate::Resolution;
use crate::record::Recording;

/// What one reference named for some platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The reference as files and command lines write it, sorted, each spelling once.
    pub written: Vec<String>,
    /// The reference in its normal spelling.
    pub reference: Reference,
    /// The platforms, normalised and sorted, each once.
    pub platforms: Vec<Platform>,
    /// What it was resolved to in the end, with the root's digest: a policy may have redirected it.
    pub pinned: Reference,
    /// The root: its digest, size and media type.
    pub root: Descriptor,
    /// The image of each platform, in their order.
    pub images: Vec<LockedImage>,
    /// The time that the policies read, in seconds since 1970; nothing where none read it.
    pub clock: Option<u64>,
    /// The digest of the run's recording.
    pub recording: Digest,
}

/// The image of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockedImage {
    /// The platform.
    pub platform: Platform,
    /// The digest of its manifest.
    pub manifest: Digest,
}

/// An image that a lock would lack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Absent {
    /// Its place among the platforms of the request.
    pub place: usize,
    /// Its platform.
    pub platform: Platform,
    /// What became of it.
    pub absence: Absence,
}

impl Entry {
    /// Returns the request of an entry's run.
    pub fn request(reference: Reference, platforms: impl IntoIterator<Item = Platform>) -> Request {
        let platforms = sorted(platforms.into_iter().map(Platform::normalized));
        Request::new(reference).select(Selection::Platforms(platforms)).with(Parts::IMAGES)
    }

    /// Returns the entry of a run by [`Entry::request`].
    ///
    /// # Errors
    /// The first image that is denied or absent: a lock has whole entries only.
    pub fn new(
        written: impl IntoIterator<Item = String>,
        resolution: &Resolution,
        recording: &Recording,
    ) -> Result<Self, Box<Absent>> {
        let platforms = match &resolution.request.selection {
            Selection::Platforms(platforms) => platforms.clone(),
            Selection::All => Vec::new(),
        };
        let mut images = Vec::with_capacity(platforms.len());
        for (place, (platform, image)) in platforms.iter().zip(&resolution.images).enumerate() {
            let platform = platform.clone();
            match image {
                Ok(image) => images.push(LockedImage { platform, manifest: image.manifest.digest.clone() }),
                Err(absence) => {
                    return Err(Box::new(Absent { place, platform, absence: absence.clone() }));
                }
            }
        }
        let root = &resolution.root;
        Ok(Self {
            written: sorted(written),
            reference: resolution.request.reference.clone(),
            platforms,
            pinned: resolution.pinned(),
            root: Descriptor::new(root.media_type.clone(), root.digest.clone(), root.size),
            images,
            clock: recording.clock(),
            recording: recording.digest(),
        })
    }
}

/// Returns a list sorted, each once.
pub(super) fn sorted<T: Ord>(list: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = list.into_iter().collect();
    list.sort();
    list.dedup();
    list
}
