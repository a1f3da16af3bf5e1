//! Image configs, as OCI image-spec 1.1, section "OCI Image Configuration". Values that Go's decoder accepts and every
//! client shows are read in the same way: `null` for a list or a label counts as absent.

use super::fields::Fields;
use super::json::{self, Value};
use super::members::platform;
use super::{DocumentError, Limits};
use crate::Platform;

/// An image config.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The platform, unchanged; `None` if operating system or architecture is missing.
    platform: Option<Platform>,
    /// The time of creation, as RFC 3339.
    pub created: Option<String>,
    /// The author.
    pub author: Option<String>,
    /// The settings of its containers.
    pub config: ImageConfig,
    /// The digests of the layers' content before compression, the lowest first.
    pub diff_ids: Vec<String>,
}

/// The settings of the image's containers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The user and group.
    pub user: Option<String>,
    /// The environment, each as `NAME=VALUE`. Some images have entries without `=`, which clients accept.
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
    /// Returns the platform, unchanged; `None` if operating system or architecture is missing.
    pub fn platform(&self) -> Option<Platform> {
        self.platform.clone()
    }

    /// Returns the labels, sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.config.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

const CONFIG: [&str; 10] =
    ["os", "architecture", "variant", "os.version", "os.features", "created", "author", "config", "rootfs", "history"];

const IMAGE: [&str; 7] = ["User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "Volumes"];

/// Reads only the platform of an image config; `None` if operating system or architecture is missing. This is for
/// policies that need no more: the rest would add 4 KB to a component.
///
/// # Errors
/// As [`read_config`], for the members that are read.
pub fn read_platform(bytes: &[u8]) -> Result<Option<Platform>, DocumentError> {
    stated_platform(&Fields::of("config", &json::read(bytes, &Limits::default())?, &CONFIG)?)
}

/// Reads an image config of at most 4 MiB.
///
/// # Errors
/// [`DocumentError::Malformed`] if the bytes are none; the others beyond a limit.
pub fn read_config(bytes: &[u8]) -> Result<Config, DocumentError> {
    let value = json::read(bytes, &Limits::default())?;
    let fields = Fields::of("config", &value, &CONFIG)?;
    let platform = stated_platform(&fields)?;
    let config = fields.get("config").map(image).transpose()?.unwrap_or_default();
    let rootfs = fields.get("rootfs").map(|rootfs| Fields::of("rootfs", rootfs, &["diff_ids"])).transpose()?;
    let diff_ids = rootfs.map(|rootfs| rootfs.texts("diff_ids")).transpose()?.unwrap_or_default();
    for step in fields.list("history")?.unwrap_or_default() {
        if !matches!(step, Value::Null) {
            Fields::of("history", step, &[])?;
        }
    }
    let (created, author) = (fields.some_text("created")?, fields.some_text("author")?);
    Ok(Config { platform, created, author, config, diff_ids })
}

/// Reads the platform; `None` if operating system or architecture is missing or empty.
fn stated_platform(fields: &Fields<'_, '_>) -> Result<Option<Platform>, DocumentError> {
    Ok(platform(format_args!("the config's platform"), fields)?
        .filter(|platform| !platform.os.is_empty() && !platform.architecture.is_empty()))
}

fn image(value: &Value<'_>) -> Result<ImageConfig, DocumentError> {
    let fields = Fields::of("config", value, &IMAGE)?;
    if let Some(volumes) = fields.get("Volumes") {
        Fields::of("Volumes", volumes, &[])?;
    }
    Ok(ImageConfig {
        user: fields.some_text("User")?,
        env: fields.texts("Env")?,
        entrypoint: fields.texts("Entrypoint")?,
        cmd: fields.texts("Cmd")?,
        working_dir: fields.some_text("WorkingDir")?,
        labels: fields.pairs_or_nothing("Labels")?,
    })
}
