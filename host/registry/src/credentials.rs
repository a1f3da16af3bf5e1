//! Credentials for registries, and the sources that they come from.

use std::fmt;

use async_trait::async_trait;
use refkit_content::ErrorKind;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The credentials for one registry. Secrets are wiped when they are dropped, and `Debug` prints none.
#[derive(Clone)]
pub enum Credentials {
    /// No credentials: the client sends none to the registry or to a token server.
    Anonymous,
    /// A user name and a password, as RFC 7617 has them, for the registry itself or for its token server.
    Basic {
        /// The user name; it has no colon.
        username: String,
        /// The password, or an access token that stands in for one.
        password: Zeroizing<String>,
    },
    /// A refresh token, which a token server exchanges for a bearer token by OAuth 2.
    IdentityToken(Zeroizing<String>),
    /// A bearer token that goes to the registry as it is.
    RegistryToken(Zeroizing<String>),
}

impl Credentials {
    /// Returns a hash that differs between different credentials. It is as secret as they are.
    pub(crate) fn fingerprint(&self) -> Zeroizing<[u8; 32]> {
        let parts: [&[u8]; 3] = match self {
            Self::Anonymous => [b"anonymous", b"", b""],
            Self::Basic { username, password } => [b"basic", username.as_bytes(), password.as_bytes()],
            Self::IdentityToken(token) => [b"identity", b"", token.as_bytes()],
            Self::RegistryToken(token) => [b"registry", b"", token.as_bytes()],
        };
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Zeroizing::new(hasher.finalize().into())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Basic { username, .. } => f.debug_struct("Basic").field("username", username).finish_non_exhaustive(),
            Self::IdentityToken(_) => f.write_str("IdentityToken(..)"),
            Self::RegistryToken(_) => f.write_str("RegistryToken(..)"),
        }
    }
}

/// A source of credentials.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// Returns the credentials for a registry, which is named as references name it: `docker.io`, `localhost:5000`.
    ///
    /// # Errors
    ///
    /// An error if the source cannot find out whether it has credentials. A source without any returns
    /// [`Credentials::Anonymous`].
    async fn credentials(&self, registry: &str) -> Result<Credentials, ErrorKind>;

    /// Forgets the credentials for a registry, which has refused them: a source that caches looks them up again.
    async fn forget(&self, _registry: &str) {}
}

/// A source without any credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCredentials;

#[async_trait]
impl CredentialSource for NoCredentials {
    async fn credentials(&self, _registry: &str) -> Result<Credentials, ErrorKind> {
        Ok(Credentials::Anonymous)
    }
}
