//! The configs of the images of a table.

use std::collections::BTreeMap;

use serde::Serialize;

use super::platform;
use crate::Platform;

/// An image's config.
#[derive(Serialize)]
struct ImageConfig<'a> {
    #[serde(flatten)]
    platform: refkit_oci::Platform,
    config: Config<'a>,
    rootfs: RootFilesystem,
    author: &'a str,
}

/// The part of a config for containers.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config<'a> {
    labels: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct RootFilesystem {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: [&'static str; 0],
}

/// Returns the bytes of a config. Configs of different authors are different contents.
///
/// # Errors
///
/// None in practice.
pub(super) fn bytes(
    platform: &Platform,
    labels: Option<&BTreeMap<String, String>>,
    author: &str,
) -> Result<Vec<u8>, String> {
    let rootfs = RootFilesystem { kind: "layers", diff_ids: [] };
    let config = ImageConfig { platform: platform::document(platform), config: Config { labels }, rootfs, author };
    serde_json::to_vec(&config).map_err(|error| error.to_string())
}
