//! A refused request: what was tried, and what a person can do.

use http::HeaderValue;
use refkit_content::ErrorKind;

use super::challenge::Challenge;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::text::printable;

/// A request that a host has refused.
pub(super) struct Refused {
    /// The error of the refusal.
    pub(super) said: ErrorKind,
    /// The header that was refused; none if the request had none.
    pub(super) header: Option<HeaderValue>,
    pub(super) challenges: Vec<Challenge>,
    /// Why the client can answer none of them.
    pub(super) unanswerable: Option<String>,
    /// The credentials to answer with.
    pub(super) credentials: Credentials,
    /// Whether these are the newest that the source has.
    pub(super) renewed: bool,
}

impl Refused {
    /// Returns the error for a refusal that stands: the registry's message, what was tried, and what to do.
    pub(super) fn error(&self, endpoint: &Endpoint) -> ErrorKind {
        let said = self.said.to_string();
        let said = said.strip_prefix("unauthorized: ").unwrap_or(&said);
        if let (None, Some(why)) = (&self.header, &self.unanswerable) {
            return ErrorKind::Challenge(format!("{said}; {why}"));
        }
        ErrorKind::Unauthorized(format!("{said}; {}", advice(&endpoint.host.credentials, &self.credentials)))
    }
}

/// Returns which credentials were tried for a registry, and what to do.
pub(super) fn advice(registry: &str, credentials: &Credentials) -> String {
    match credentials {
        Credentials::Anonymous => {
            format!("there are no credentials for {registry}: if the repository exists, run `docker login {registry}`")
        }
        Credentials::Basic { username, .. } => {
            format!("{} may not, or the password is wrong: run `docker login {registry}`", printable(username))
        }
        Credentials::IdentityToken(_) | Credentials::RegistryToken(_) => {
            format!("the token for {registry} is not sufficient, or has expired: run `docker login {registry}`")
        }
    }
}
