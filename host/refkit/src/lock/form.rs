//! The JSON of a lock, member by member.

use std::collections::BTreeMap;

use refkit_oci::Reference;
use serde::{Deserialize, Serialize};

use super::{Entry, Lock, LockedImage, VERSION};
use crate::PolicyIdentity;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: u32,
    pub(super) policies: Vec<Policy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) grants: Vec<String>,
    pub(super) entries: Vec<LockedEntry>,
}

/// A policy of the chain, outermost first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) component: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) settings: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockedEntry {
    /// In its normal spelling; entries are sorted by it.
    pub(super) reference: String,
    /// As files and command lines write it.
    pub(super) written: Vec<String>,
    pub(super) pinned: String,
    pub(super) root: Root,
    pub(super) images: Vec<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<u64>,
    /// The digest of the recording.
    pub(super) recording: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Root {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    pub(super) platform: String,
    pub(super) manifest: String,
}

impl From<&Lock> for Document {
    fn from(lock: &Lock) -> Self {
        Self {
            version: VERSION,
            policies: lock.policies.iter().map(Policy::from).collect(),
            grants: lock.grants.clone(),
            entries: lock.entries.iter().map(LockedEntry::from).collect(),
        }
    }
}

impl From<&PolicyIdentity> for Policy {
    fn from(policy: &PolicyIdentity) -> Self {
        let PolicyIdentity { name, component, settings } = policy.clone();
        Self { name, component: component.to_string(), settings }
    }
}

impl From<&Entry> for LockedEntry {
    fn from(entry: &Entry) -> Self {
        let Entry { written, reference, platforms: _, pinned, root, images, clock, recording } = entry;
        Self {
            reference: reference.to_string(),
            written: written.clone(),
            pinned: Reference::to_string(pinned),
            root: Root { media_type: root.media_type.clone(), digest: root.digest.to_string(), size: root.size },
            images: images.iter().map(Image::from).collect(),
            clock: *clock,
            recording: recording.to_string(),
        }
    }
}

impl From<&LockedImage> for Image {
    fn from(image: &LockedImage) -> Self {
        Self { platform: image.platform.to_string(), manifest: image.manifest.to_string() }
    }
}
