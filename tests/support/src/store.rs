//! What a fault-injecting registry holds.

use std::collections::BTreeMap;

use bytes::Bytes;
use refkit_oci::{Descriptor, Digest};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl Manifest {
    /// Returns the manifest's descriptor in a list of referrers, if it is one of the subject's, as OCI distribution
    /// 1.1, section "Listing Referrers".
    pub(crate) fn as_referrer(&self, digest: &str, subject: &str) -> Option<Descriptor> {
        let document: Value = serde_json::from_slice(&self.bytes).ok()?;
        if document["subject"]["digest"] != subject {
            return None;
        }
        let mut entry = Descriptor::new(&*self.media_type, digest.parse().ok()?, self.bytes.len() as u64);
        let stated = document["artifactType"].as_str().filter(|text| !text.is_empty());
        entry.artifact_type = stated.or_else(|| document["config"]["mediaType"].as_str()).map(str::to_owned);
        let annotations = document["annotations"].as_object().into_iter().flatten();
        entry.annotations =
            annotations.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        Some(entry)
    }
}

#[derive(Default)]
pub(crate) struct Held {
    pub(crate) manifests: BTreeMap<String, Manifest>,
    pub(crate) tags: BTreeMap<String, Digest>,
    pub(crate) blobs: BTreeMap<String, Bytes>,
}

#[derive(Default)]
pub(crate) struct Store {
    repositories: BTreeMap<String, Held>,
    pub(crate) uploads: BTreeMap<String, Vec<u8>>,
    opened: u64,
    pub(crate) page_size: Option<usize>,
    pub(crate) referrers_on: bool,
}

impl Store {
    /// Returns an empty store with the referrers API on.
    pub(crate) fn new() -> Self {
        Self { referrers_on: true, ..Self::default() }
    }

    pub(crate) fn repository(&mut self, name: &str) -> Option<&mut Held> {
        self.repositories.get_mut(name)
    }

    pub(crate) fn put_manifest(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: Bytes,
    ) -> Digest {
        let digest = digest(&bytes);
        let held = self.repositories.entry(repository.to_owned()).or_default();
        held.manifests.insert(digest.to_string(), Manifest { media_type: media_type.to_owned(), bytes });
        if let Some(tag) = tag {
            held.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    pub(crate) fn put_blob(&mut self, repository: &str, bytes: Bytes) -> Digest {
        let digest = digest(&bytes);
        self.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest.to_string(), bytes);
        digest
    }

    pub(crate) fn open_upload(&mut self) -> String {
        self.opened += 1;
        let id = format!("upload-{}", self.opened);
        self.uploads.insert(id.clone(), Vec::new());
        id
    }

    /// Returns what a manifest needs and the repository does not have: a config or a layer without other addresses, or
    /// a manifest of an index.
    pub(crate) fn missing(&self, repository: &str, document: &Value) -> Option<String> {
        let held = self.repositories.get(repository);
        let list = |name: &str| document[name].as_array().into_iter().flatten();
        let blobs = document.get("config").into_iter().chain(list("layers").filter(|layer| layer["urls"].is_null()));
        let digest = |descriptor: &Value| descriptor["digest"].as_str().unwrap_or_default().to_owned();
        let missing_blob = blobs.map(digest).find(|digest| held.is_none_or(|held| !held.blobs.contains_key(digest)));
        missing_blob.or_else(|| {
            list("manifests").map(digest).find(|digest| held.is_none_or(|held| !held.manifests.contains_key(digest)))
        })
    }
}

/// Returns the sha256 digest of bytes, by other code than that under test.
///
/// # Panics
/// Never: 64 hexadecimal digits are a digest.
pub fn digest(bytes: &[u8]) -> Digest {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}").parse().expect("64 hexadecimal digits are a digest")
}
