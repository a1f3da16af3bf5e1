//! Every image of an index and of the indexes in it.

use refkit_policy::oci;
use refkit_policy::oci::document::{Entry, media_type};
use refkit_policy::{Absence, Descriptor, Error, Host};

use crate::digests::Digests;
use crate::documents::{Documents, bare_of};
use crate::select::{image, too_deep, unverifiable};
use crate::{MAX_DEPTH, MAX_IMAGES, Place};

/// Returns every image in the order of the index. Entries that are neither manifest nor index are passed over, and so
/// are attestations.
///
/// # Errors
/// When there are more than [`MAX_IMAGES`].
pub(crate) fn walk(documents: &mut Documents<'_, impl Host>) -> Result<Vec<Place>, Error> {
    read_nested(documents)?;
    let mut walk = Walk { documents, opened: Digests::default(), entries: Vec::new(), steps: 0, places: Vec::new() };
    walk.open(&mut Vec::new())?;
    Ok(walk.places)
}

/// Reads the indexes in the index, those of one level side by side, each once wherever it stands.
fn read_nested(documents: &mut Documents<'_, impl Host>) -> Result<(), Error> {
    let mut seen = Digests::default();
    let mut level = nested(documents, documents.holder(&[]), &mut seen);
    for _ in 0..MAX_DEPTH {
        if level.is_empty() {
            break;
        }
        if seen.as_slice().len() > MAX_IMAGES {
            return Err(too_many(documents));
        }
        documents.read(&level.iter().collect::<Vec<_>>());
        level = level.iter().flat_map(|index| nested(documents, &index.digest, &mut seen)).collect();
    }
    Ok(())
}

/// Returns the indexes that an index names and that were not seen before.
fn nested(documents: &Documents<'_, impl Host>, digest: &str, seen: &mut Digests) -> Vec<Descriptor> {
    let Ok(index) = documents.index(digest) else { return Vec::new() };
    let nested = index.manifests.iter().filter(|entry| media_type::is_index(&entry.media_type));
    nested.filter(|entry| seen.add(entry.digest.as_str())).map(bare_of).collect()
}

struct Walk<'a, 'b, H> {
    documents: &'a Documents<'b, H>,
    /// The indexes that were opened, and of each the entries that count: what an index only passes over is looked at
    /// once, wherever and however often it stands.
    opened: Digests,
    entries: Vec<Vec<Entry<'a>>>,
    /// Indexes that were come by: one that is named again and again need not hold a single image to keep a reader busy.
    steps: usize,
    places: Vec<Place>,
}

impl<H: Host> Walk<'_, '_, H> {
    /// Adds the images of the index that the parents lead to.
    fn open(&mut self, parents: &mut Vec<Descriptor>) -> Result<(), Error> {
        self.steps += 1;
        let documents = self.documents;
        let digest = documents.holder(parents);
        if self.opened.place(digest).is_none() {
            let index = match documents.index(digest) {
                Ok(index) => index,
                Err(error) => {
                    self.places.push(Err(Absence::Failed(error)));
                    return Ok(());
                }
            };
            self.opened.add(digest);
            self.entries.push(index.entries().filter(counts).collect());
        }
        let place = self.opened.place(digest).unwrap_or_default();
        for number in 0..self.entries[place].len() {
            match self.entries[place][number] {
                Entry::Unverifiable(entry) => {
                    self.places.push(Err(Absence::Failed(unverifiable(documents, entry))));
                }
                Entry::Verifiable(entry) if media_type::is_manifest(&entry.media_type) => {
                    self.places.push(Ok(image(entry, parents.clone())));
                }
                Entry::Verifiable(entry) if parents.len() == MAX_DEPTH => {
                    self.places.push(Err(Absence::Failed(too_deep(documents, entry))));
                }
                Entry::Verifiable(entry) => {
                    parents.push(bare_of(entry));
                    self.open(parents)?;
                    parents.pop();
                }
            }
            if self.places.len() > MAX_IMAGES || self.steps > MAX_IMAGES {
                return Err(too_many(documents));
            }
        }
        Ok(())
    }
}

/// Returns whether an entry is an image or an index, or cannot be told from one.
fn counts(entry: &Entry<'_>) -> bool {
    match entry {
        Entry::Verifiable(entry) if media_type::is_index(&entry.media_type) => true,
        Entry::Verifiable(entry) => media_type::is_manifest(&entry.media_type) && !is_attestation(entry),
        // What no platform suits is an attestation.
        Entry::Unverifiable(entry) => {
            media_type::is_document(&entry.media_type) && !entry.platform.as_ref().is_some_and(is_unknown)
        }
    }
}

/// Returns whether an entry is an attestation and cannot be taken for an image: it says what it attests, and no
/// platform suits it. Without the second condition, an annotation would hide an image that a build can still get.
fn is_attestation(entry: &oci::Descriptor) -> bool {
    entry.attests().is_some() && entry.platform.as_ref().is_some_and(is_unknown)
}

fn is_unknown(platform: &oci::Platform) -> bool {
    platform.os == "unknown" && platform.architecture == "unknown"
}

fn too_many(documents: &Documents<'_, impl Host>) -> Error {
    let reference = documents.reference;
    Error::invalid(format_args!("{reference} holds more than {MAX_IMAGES} images and indexes"))
}
