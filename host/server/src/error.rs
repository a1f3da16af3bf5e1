//! Why the server does not start, or keeps its old settings.

use std::io;
use std::path::Path;

use refkit_config::ConfigError;
use refkit_registry::hosts::HostsError;

use crate::settings::SettingsError;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings of the server are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The settings of registries are wrong.
    #[error(transparent)]
    Hosts(#[from] HostsError),
    /// A policy, a certificate or a file of credentials cannot be used; the text names the key.
    #[error(transparent)]
    Key(#[from] ConfigError),
    /// The default policy cannot be loaded.
    #[error("cannot load the default policy: {0}")]
    Default(refkit::ChainError),
    /// A policy does not take its settings.
    #[error(transparent)]
    Chain(#[from] refkit::ChainError),
    /// The cache cannot be opened.
    #[error("cannot open the cache: {0}")]
    Cache(refkit_content::Error),
    /// Reading was cut short.
    #[error("reading the settings was cut short: {0}")]
    CutShort(String),
    /// A listener cannot listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

/// Returns the error of a file that a key names.
pub(crate) fn unreadable(position: Option<&refkit_config::Position>, file: &Path, reason: &str) -> ConfigError {
    let text = format!("names {}: {reason}", file.display());
    match position {
        Some(position) => position.error(text),
        None => ConfigError::Unreadable { file: file.to_owned(), reason: reason.to_owned() },
    }
}
