//! The list of a subject's referrers, an index under a tag as OCI distribution 1.1, section "Referrers Tag Schema". The
//! image specification says nothing of such a list in a layout; regctl reads it, while oras and RefKit read the entries.

use std::fs::File;
use std::path::Path;

use refkit_oci::{Algorithm, Descriptor, Digest};

use super::blob;
use super::index::Index;
use super::put::Unfinished;
use crate::ErrorKind;
use crate::layout::file::{Extent, open_below};
use crate::links::{self, Links};
use crate::verify::{self, MANIFEST_LIMIT};

/// Adds a manifest to the list of its subject's referrers and returns the new list's descriptor; `None` if the list
/// already has the manifest. Blocks. The caller holds the lock.
pub(super) fn with(
    root: &Path,
    index: &Index,
    subject: &Descriptor,
    referrer: &Descriptor,
    links: &Links,
) -> Result<Option<Descriptor>, ErrorKind> {
    let tag = links::fallback_tag(&subject.digest);
    let known = index.entries()?.into_iter().find(|entry| entry.is_named(&tag));
    let mut list = match known {
        Some(entry) => read(root, &entry.digest)?,
        None => Index::empty()?,
    };
    if list.entries()?.iter().any(|entry| entry.digest == referrer.digest.as_str()) {
        return Ok(None);
    }
    list.push(&Descriptor {
        artifact_type: links.artifact_type.clone(),
        annotations: links.annotations.clone(),
        ..Descriptor::new(&*referrer.media_type, referrer.digest.clone(), referrer.size)
    })?;
    let bytes = list.into_bytes()?;
    let digest = verify::digest(Algorithm::Sha256, &bytes);
    let list = Descriptor::new(links::INDEX, digest, bytes.len() as u64);
    if !blob::is_intact(root, &list)? {
        let digest = &list.digest;
        let place = ["blobs", digest.algorithm().as_str(), digest.hex()];
        Unfinished::new(root)?.write(&bytes)?.finish(&place)?;
    }
    Ok(Some(list))
}

fn read(root: &Path, digest: &str) -> Result<Index, ErrorKind> {
    let malformed = |what: String| ErrorKind::Malformed(format!("its list of referrers cannot be changed: {what}"));
    let digest: Digest = digest.parse().map_err(|error| malformed(format!("{error}")))?;
    match open_below(&File::open(root)?, &["blobs", digest.algorithm().as_str(), digest.hex()]) {
        Ok(file) => Index::parse(&Extent::whole(file)?.read_all(MANIFEST_LIMIT)?),
        // An absent list is empty.
        Err(ErrorKind::NotFound) => Index::empty(),
        Err(kind) => Err(kind),
    }
}
