//! What a real registry's storage holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use refkit_oci::{Algorithm, Digest};

use crate::real::RealRegistry;

/// Where the registry keeps everything, below its storage directory.
const ROOT: &str = "docker/registry/v2";

/// What one repository of a registry holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The digest of each tag.
    pub tags: BTreeMap<String, Digest>,
    /// The manifests and indexes.
    pub manifests: BTreeSet<Digest>,
    /// The configs and layers.
    pub blobs: BTreeSet<Digest>,
}

impl Held {
    /// Returns whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl RealRegistry {
    /// Returns what a repository holds, from the registry's own storage: no request is made for it.
    ///
    /// # Errors
    /// Where the storage cannot be read, or is a CDN's.
    pub fn held(&self, repository: &str) -> anyhow::Result<Held> {
        let directory = self.storage().join(ROOT).join("repositories").join(repository);
        let mut held = Held {
            manifests: digests(&directory.join("_manifests/revisions"))?,
            blobs: digests(&directory.join("_layers"))?,
            ..Held::default()
        };
        for tag in names(&directory.join("_manifests/tags"))? {
            let link = directory.join("_manifests/tags").join(&tag).join("current/link");
            let text = fs::read_to_string(&link).with_context(|| link.display().to_string())?;
            held.tags.insert(tag, text.trim().parse()?);
        }
        Ok(held)
    }

    /// Returns content that any repository holds, from the registry's own storage.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn stored(&self, digest: &Digest) -> anyhow::Result<Vec<u8>> {
        let (algorithm, hex) = (digest.algorithm().as_str(), digest.hex());
        let path = self.storage().join(ROOT).join("blobs").join(algorithm).join(&hex[..2]).join(hex).join("data");
        fs::read(&path).with_context(|| format!("the registry does not have {digest}"))
    }
}

/// Returns the digests that a directory has links of.
fn digests(directory: &Path) -> anyhow::Result<BTreeSet<Digest>> {
    let algorithm = Algorithm::Sha256.as_str();
    let directory = directory.join(algorithm);
    let linked = names(&directory)?.into_iter().filter(|hex| directory.join(hex).join("link").is_file());
    linked.map(|hex| Ok(format!("{algorithm}:{hex}").parse()?)).collect()
}

/// Returns the names in a directory, none where there is no directory.
fn names(directory: &Path) -> anyhow::Result<Vec<String>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory)?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
