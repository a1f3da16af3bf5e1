//! Why the hosts of a registry cannot be determined.

use refkit_config::ConfigError;
use refkit_content::ErrorKind;

/// An error in a file or a name. The text never contains the value of a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// A file cannot be read, or has an invalid key or value.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A text is not the name of a registry.
    #[error("{name:?}: {reason}")]
    Name {
        /// The name.
        name: String,
        /// The reason, and what to do about it.
        reason: String,
    },
}

impl From<HostsError> for ErrorKind {
    fn from(error: HostsError) -> Self {
        Self::Malformed(error.to_string())
    }
}
