//! The JSON of configs and attestations, with its members always in the same order.

use std::collections::BTreeMap;

use refkit_oci::{Digest, Platform};
use serde::Serialize;
use serde_json::value::RawValue;

/// Everything was made at this moment.
const CREATED: &str = "2025-01-01T00:00:00Z";

/// Returns a document's bytes.
pub(crate) fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("a document of texts and numbers")
}

/// Returns a document's bytes with line feeds and indents.
pub(crate) fn indented(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(document).expect("a document of texts and numbers")
}

/// The part of a config that containers are started with.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Config {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// An image's config.
#[derive(Serialize)]
pub(crate) struct ImageConfig<'a> {
    created: &'static str,
    #[serde(flatten)]
    platform: &'a Platform,
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
        Self { created: CREATED, platform, config, rootfs }
    }
}

/// Returns an in-toto statement about a manifest, with a predicate as small as can be.
pub(crate) fn statement(predicate_type: &str, about: &Digest) -> Vec<u8> {
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
