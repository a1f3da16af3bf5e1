//! Lists the images of an index and of its nested indexes.

use refkit_policy::oci;
use refkit_policy::oci::document::{Entry, media_type};
use refkit_policy::{Absence, Descriptor, Error, Host};

use crate::digests::Digests;
use crate::documents::{Documents, bare_of};
use crate::select::{image, too_deep, unverifiable};
use crate::{MAX_DEPTH, MAX_IMAGES, Place};

/// Returns every image in the order of the index. It skips attestations, and entries that are neither manifests nor
/// indexes.
///
/// # Errors
/// An error if there are more than [`MAX_IMAGES`].
pub(crate) fn walk(documents: &mut Documents<'_, impl Host>) -> Result<Vec<Place>, Error> {
    read_nested(documents)?;
    let mut walk = Walk { documents, opened: Digests::default(), entries: Vec::new(), steps: 0, places: Vec::new() };
    walk.open(&mut Vec::new())?;
    Ok(walk.places)
}

/// Reads the nested indexes, those of one level in one call, and each once.
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

/// Returns the nested indexes of an index that were not seen before.
fn nested(documents: &Documents<'_, impl Host>, digest: &str, seen: &mut Digests) -> Vec<Descriptor> {
    let Ok(index) = documents.index(digest) else { return Vec::new() };
    let nested = index.manifests.iter().filter(|entry| media_type::is_index(&entry.media_type));
    nested.filter(|entry| seen.add(entry.digest.as_str())).map(bare_of).collect()
}

struct Walk<'a, 'b, H> {
    documents: &'a Documents<'b, H>,
    /// The opened indexes with their relevant entries. An index that occurs many times is filtered only once.
    opened: Digests,
    entries: Vec<Vec<Entry<'a>>>,
    /// The number of visited indexes: an index that occurs again and again costs time even without images.
    steps: usize,
    places: Vec<Place>,
}

impl<H: Host> Walk<'_, '_, H> {
    /// Adds the images of the index to which the parents lead.
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

/// Returns whether an entry is an image or an index, or cannot be distinguished from one.
fn counts(entry: &Entry<'_>) -> bool {
    match entry {
        Entry::Verifiable(entry) if media_type::is_index(&entry.media_type) => true,
        Entry::Verifiable(entry) => media_type::is_manifest(&entry.media_type) && !is_attestation(entry),
        // An entry whose platform matches nothing is an attestation.
        Entry::Unverifiable(entry) => {
            media_type::is_document(&entry.media_type) && !entry.platform.as_ref().is_some_and(is_unknown)
        }
    }
}

/// Returns whether an entry is certainly an attestation: it names its subject, and its platform matches nothing.
/// Without the second condition, an annotation would hide an image that a build can still select.
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
