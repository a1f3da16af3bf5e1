//! Image configs, as OCI image-spec 1.1, section "OCI Image Configuration".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::{malformed, shorten};
use super::json::{self, Annotations, Object};
use super::{DocumentError, Limits};
use crate::Platform;

/// What an image config says of the image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The platform, word for word; `None` where operating system or architecture is missing.
    platform: Option<Platform>,
    /// When the image was made, as RFC 3339.
    pub created: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// How a container of it is run.
    pub config: ImageConfig,
    /// The digests of the layers' content before compression, the lowest first.
    pub diff_ids: Vec<String>,
}

/// How a container of the image is run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The user and group.
    pub user: Option<String>,
    /// The environment, each as `NAME=VALUE`.
    pub env: Vec<String>,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
    /// The arguments.
    pub cmd: Vec<String>,
    /// The working directory.
    pub working_dir: Option<String>,
    /// The labels, sorted by name, each once.
    pub labels: Vec<(String, String)>,
}

impl Config {
    /// Returns the platform, word for word; `None` where operating system or architecture is missing.
    pub fn platform(&self) -> Option<Platform> {
        self.platform.clone()
    }

    /// Returns the labels, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.config.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[derive(Deserialize)]
struct Members {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    #[serde(rename = "os.version")]
    os_version: Option<String>,
    #[serde(rename = "os.features")]
    os_features: Option<Vec<String>>,
    created: Option<String>,
    author: Option<String>,
    config: Option<Object<ImageMembers>>,
    rootfs: Option<Object<Rootfs>>,
    #[serde(rename = "history")]
    _history: Option<Vec<BTreeMap<String, IgnoredAny>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageMembers {
    user: Option<String>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    #[serde(default)]
    labels: Annotations,
    #[serde(rename = "Volumes")]
    _volumes: Option<BTreeMap<String, IgnoredAny>>,
}

#[derive(Deserialize)]
struct Rootfs {
    diff_ids: Option<Vec<String>>,
}

/// Reads an image config of at most 4 MiB.
///
/// # Errors
/// [`DocumentError::Malformed`] where it is none; the others where a limit is passed.
pub fn read_config(bytes: &[u8]) -> Result<Config, DocumentError> {
    // Nothing in a config is a descriptor, but its history is as long as the image is old.
    Limits { descriptors: usize::MAX, ..Limits::default() }.check(bytes)?;
    let Object(members): Object<Members> = json::read(bytes)?;
    let config = members.config.map(|Object(config)| config.check()).transpose()?.unwrap_or_default();
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let platform = match (some(members.os), some(members.architecture)) {
        (Some(os), Some(architecture)) => Some(Platform {
            os,
            architecture,
            variant: some(members.variant),
            os_version: some(members.os_version),
            os_features: members.os_features.unwrap_or_default(),
        }),
        _ => None,
    };
    let diff_ids = members.rootfs.and_then(|Object(rootfs)| rootfs.diff_ids).unwrap_or_default();
    Ok(Config { platform, created: members.created, author: members.author, config, diff_ids })
}

impl ImageMembers {
    fn check(self) -> Result<ImageConfig, DocumentError> {
        let env = self.env.unwrap_or_default();
        if let Some(entry) = env.iter().find(|entry| !entry.contains('=')) {
            return Err(malformed(format_args!("its Env has {:?}, which is not NAME=VALUE", shorten(entry))));
        }
        Ok(ImageConfig {
            user: self.user,
            env,
            entrypoint: self.entrypoint.unwrap_or_default(),
            cmd: self.cmd.unwrap_or_default(),
            working_dir: self.working_dir,
            labels: self.labels.into_list(),
        })
    }
}
