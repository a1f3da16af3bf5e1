//! The JSON of manifests, indexes and configs, with its members always in the same order.

use std::collections::BTreeMap;

use refkit_oci::{Descriptor, Digest, Platform};
use serde::Serialize;
use serde_json::value::RawValue;

/// Everything was made at this moment.
const CREATED: &str = "2025-01-01T00:00:00Z";

/// Returns a document's bytes.
pub(super) fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("a document of texts and numbers")
}

fn is_none<T>(value: &Option<T>) -> bool {
    value.is_none()
}

#[derive(Serialize)]
struct PlatformMember<'a> {
    architecture: &'a str,
    os: &'a str,
    #[serde(rename = "os.version", skip_serializing_if = "is_none")]
    os_version: Option<&'a str>,
    #[serde(rename = "os.features", skip_serializing_if = "<[String]>::is_empty")]
    os_features: &'a [String],
    #[serde(skip_serializing_if = "is_none")]
    variant: Option<&'a str>,
}

impl<'a> PlatformMember<'a> {
    fn new(of: &'a Platform) -> Self {
        Self {
            architecture: &of.architecture,
            os: &of.os,
            os_version: of.os_version.as_deref(),
            os_features: &of.os_features,
            variant: of.variant.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorMember<'a> {
    media_type: &'a str,
    digest: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "is_none")]
    artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "is_none")]
    platform: Option<PlatformMember<'a>>,
}

impl<'a> DescriptorMember<'a> {
    fn new(of: &'a Descriptor) -> Self {
        Self {
            media_type: &of.media_type,
            digest: of.digest.as_str(),
            size: of.size,
            artifact_type: of.artifact_type.as_deref(),
            annotations: of.annotations.iter().map(|(key, value)| (&**key, &**value)).collect(),
            platform: of.platform.as_ref().map(PlatformMember::new),
        }
    }
}

/// A manifest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManifestDocument<'a> {
    schema_version: u8,
    media_type: &'a str,
    #[serde(skip_serializing_if = "is_none")]
    artifact_type: Option<&'a str>,
    config: DescriptorMember<'a>,
    layers: Vec<DescriptorMember<'a>>,
    #[serde(skip_serializing_if = "is_none")]
    subject: Option<DescriptorMember<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl<'a> ManifestDocument<'a> {
    pub fn new(
        media_type: &'a str,
        artifact_type: Option<&'a str>,
        config: &'a Descriptor,
        layers: impl Iterator<Item = &'a Descriptor>,
        subject: Option<&'a Descriptor>,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        let layers = layers.map(DescriptorMember::new).collect();
        let (config, subject) = (DescriptorMember::new(config), subject.map(DescriptorMember::new));
        Self { schema_version: 2, media_type, artifact_type, config, layers, subject, annotations }
    }
}

/// An index.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IndexDocument<'a> {
    schema_version: u8,
    media_type: &'a str,
    #[serde(skip_serializing_if = "is_none")]
    artifact_type: Option<&'a str>,
    manifests: Vec<DescriptorMember<'a>>,
    #[serde(skip_serializing_if = "is_none")]
    subject: Option<DescriptorMember<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl<'a> IndexDocument<'a> {
    pub fn new(
        media_type: &'a str,
        artifact_type: Option<&'a str>,
        manifests: impl Iterator<Item = &'a Descriptor>,
        subject: Option<&'a Descriptor>,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        let manifests = manifests.map(DescriptorMember::new).collect();
        let subject = subject.map(DescriptorMember::new);
        Self { schema_version: 2, media_type, artifact_type, manifests, subject, annotations }
    }
}

/// The part of a config that containers are started with.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// An image's config.
#[derive(Serialize)]
pub(super) struct ImageConfig<'a> {
    created: &'static str,
    #[serde(flatten)]
    platform: PlatformMember<'a>,
    config: Config,
    rootfs: RootFilesystem,
}

#[derive(Serialize)]
struct RootFilesystem {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<String>,
}

impl<'a> ImageConfig<'a> {
    pub fn new(platform: &'a Platform, config: Config, diff_ids: Vec<String>) -> Self {
        let rootfs = RootFilesystem { kind: "layers", diff_ids };
        Self { created: CREATED, platform: PlatformMember::new(platform), config, rootfs }
    }
}

/// Returns an in-toto statement about a manifest, with a predicate as small as can be.
pub(super) fn statement(predicate_type: &str, about: &Digest) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Statement<'a> {
        _type: &'static str,
        predicate_type: &'a str,
        subject: [Subject<'a>; 1],
        predicate: Box<RawValue>,
    }
    #[derive(Serialize)]
    struct Subject<'a> {
        name: &'static str,
        digest: BTreeMap<&'a str, &'a str>,
    }
    let predicate = r#"{"builder":{"id":""},"buildType":"https://mobyproject.org/buildkit@v1"}"#;
    json(&Statement {
        _type: "https://in-toto.io/Statement/v0.1",
        predicate_type,
        subject: [Subject { name: "_", digest: [(about.algorithm().as_str(), about.hex())].into() }],
        predicate: RawValue::from_string(predicate.to_owned()).expect("JSON"),
    })
}
