//! Why the hosts of a registry are not known.

use refkit_config::ConfigError;
use refkit_content::ErrorKind;

/// What is wrong with a file, or with a name. The text never contains the value of a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// A file cannot be read, or has a key or a value that is not accepted.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A name is not one of a registry.
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
