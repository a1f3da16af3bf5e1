//! Manifests and blobs as a registry stores them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Descriptor, Platform};

#[derive(Default)]
pub(super) struct Repository {
    pub(super) manifests: Vec<Manifest>,
    pub(super) blobs: BTreeMap<String, Vec<u8>>,
    pub(super) tags: Vec<(String, String)>,
}

pub(super) struct Manifest {
    /// What a registry says of it by name or digest: media type, digest and size.
    pub(super) descriptor: Descriptor,
    /// What a registry says of it in a list of referrers.
    pub(super) listed: Descriptor,
    pub(super) subject: Option<String>,
    pub(super) names: Vec<Descriptor>,
    pub(super) bytes: Vec<u8>,
}

impl Repository {
    pub(super) fn find(&self, digest: &str) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| manifest.descriptor.digest == digest)
    }

    pub(super) fn tagged(&self, tag: &str) -> Option<&Manifest> {
        self.find(&self.tags.iter().find(|(known, _)| known == tag)?.1)
    }
}

impl Manifest {
    /// Reads the fields that a registry reads, as far as the bytes are valid.
    pub(super) fn new(media_type: &str, digest: &str, bytes: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let lists = ["manifests", "layers"].into_iter().filter_map(|name| json[name].as_array()).flatten();
        let descriptor = Descriptor {
            media_type: media_type.to_owned(),
            digest: digest.to_owned(),
            size: bytes.len() as u64,
            platform: None,
            artifact_type: None,
            annotations: Vec::new(),
        };
        let listed = Descriptor {
            artifact_type: text(&json["artifactType"]).or_else(|| text(&json["config"]["mediaType"])),
            annotations: annotations(&json),
            ..descriptor.clone()
        };
        let names = lists.chain([&json["config"]]).filter_map(named).collect();
        Self { descriptor, listed, subject: text(&json["subject"]["digest"]), names, bytes: bytes.to_vec() }
    }
}

/// Returns the descriptor in a manifest or an index, as far as it is valid.
fn named(json: &Value) -> Option<Descriptor> {
    let list = |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect();
    let platform = json["platform"].as_object().map(|_| &json["platform"]);
    Some(Descriptor {
        media_type: text(&json["mediaType"]).unwrap_or_default(),
        digest: text(&json["digest"])?,
        size: json["size"].as_u64().unwrap_or_default(),
        platform: platform.map(|platform| Platform {
            os: text(&platform["os"]).unwrap_or_default(),
            architecture: text(&platform["architecture"]).unwrap_or_default(),
            variant: text(&platform["variant"]),
            os_version: text(&platform["os.version"]),
            os_features: list(&platform["os.features"]),
        }),
        artifact_type: text(&json["artifactType"]),
        annotations: annotations(json),
    })
}

fn annotations(json: &Value) -> Vec<(String, String)> {
    let members = json["annotations"].as_object().into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect()
}

fn text(json: &Value) -> Option<String> {
    json.as_str().map(str::to_owned)
}
