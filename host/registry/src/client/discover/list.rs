//! A list that comes in pages, and how much of it is held.

use refkit_content::ErrorKind;
use refkit_oci::{Descriptor, Platform};

/// The limits of one list, all pages together.
#[derive(Clone, Copy)]
struct Bounds {
    entries: usize,
    /// The most bytes in memory.
    bytes: u64,
}

/// The tags of a repository: 250,000 short ones, several times as many as the largest that are known.
const OF_TAGS: Bounds = Bounds { entries: 250_000, bytes: 16 << 20 };

/// The referrers of a manifest: as many as one index may list, and 8 MiB, about what an index of 4 MiB takes. The lists
/// of all images of an index are held at a time.
const OF_REFERRERS: Bounds = Bounds { entries: 10_000, bytes: 8 << 20 };

/// A list that is being read, within its bounds.
pub(super) struct List<T> {
    pub(super) entries: Vec<T>,
    bounds: Bounds,
    held: u64,
    cost: fn(&T) -> u64,
}

impl List<String> {
    pub(super) fn of_tags() -> Self {
        Self::new(OF_TAGS, |tag| cost_of_text(tag))
    }
}

impl List<Descriptor> {
    pub(super) fn of_referrers() -> Self {
        Self::new(OF_REFERRERS, cost_of_descriptor)
    }
}

impl<T> List<T> {
    fn new(bounds: Bounds, cost: fn(&T) -> u64) -> Self {
        Self { entries: Vec::new(), bounds, held: 0, cost }
    }

    /// Adds the entries of a page.
    ///
    /// # Errors
    /// [`ErrorKind::TooMany`] or [`ErrorKind::TooLarge`] if the list would exceed its limits.
    pub(super) fn extend(&mut self, more: Vec<T>) -> Result<(), ErrorKind> {
        let Bounds { entries, bytes } = self.bounds;
        if self.entries.len() + more.len() > entries {
            return Err(ErrorKind::TooMany { limit: entries });
        }
        self.held = more.iter().map(self.cost).fold(self.held, u64::saturating_add);
        if self.held > bytes {
            return Err(ErrorKind::TooLarge { limit: bytes });
        }
        self.entries.extend(more);
        Ok(())
    }
}

/// The memory of an allocation beyond its bytes, roughly.
const ALLOCATION: usize = 16;

fn cost_of_text(text: &str) -> u64 {
    (text.len() + size_of::<String>() + ALLOCATION) as u64
}

fn cost_of_descriptor(one: &Descriptor) -> u64 {
    let platform = one.platform.iter().flat_map(|platform| {
        let Platform { os, architecture, variant, os_version, os_features } = platform;
        [os, architecture].into_iter().chain(variant).chain(os_version).chain(os_features)
    });
    let texts =
        [&one.media_type].into_iter().chain(&one.artifact_type).chain(&one.urls).chain(&one.data).chain(platform);
    let pairs = one.annotations.iter().flat_map(|(key, value)| [key, value]);
    size_of::<Descriptor>() as u64 + texts.chain(pairs).map(|text| cost_of_text(text)).sum::<u64>()
}
