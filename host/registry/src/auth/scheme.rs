//! The schemes by which hosts authenticate requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use refkit_content::ErrorKind;
use zeroize::Zeroizing;

use super::challenge::{Bearer, Challenge};
use crate::credentials::Credentials;

/// The authentication scheme that a host wants.
#[derive(Clone)]
pub(super) enum Scheme {
    /// No scheme: the host has not sent a challenge.
    Anonymous,
    /// A user name and a password, RFC 7617.
    Basic,
    /// The bearer token that the credentials contain.
    RegistryToken,
    /// A bearer token of a token server, one for each repository.
    Bearer(Bearer),
}

impl Scheme {
    /// Returns the scheme by which credentials answer a challenge.
    pub(super) fn of(challenge: &Challenge, credentials: &Credentials) -> Self {
        match (challenge, credentials) {
            (Challenge::Basic, _) => Self::Basic,
            (Challenge::Bearer(_), Credentials::RegistryToken(_)) => Self::RegistryToken,
            (Challenge::Bearer(bearer), _) => Self::Bearer(bearer.clone()),
        }
    }

    /// Returns the header that these credentials yield without a token server.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for a token that cannot stand in a header.
    pub(super) fn header(&self, credentials: &Credentials) -> Result<Option<HeaderValue>, ErrorKind> {
        match (self, credentials) {
            (Self::Basic, Credentials::Basic { username, password }) => basic(username, password).map(Some),
            (Self::RegistryToken, Credentials::RegistryToken(token)) => bearer(token).map(Some),
            _ => Ok(None),
        }
    }
}

/// Returns the header for a user name and a password, RFC 7617.
pub(super) fn basic(username: &str, password: &str) -> Result<HeaderValue, ErrorKind> {
    let pair = Zeroizing::new(format!("{username}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&text).map_err(|error| ErrorKind::Other(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Returns the header for a bearer token.
///
/// # Errors
/// [`ErrorKind::Malformed`] for a token that cannot stand in a header, such as one with a line end.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, ErrorKind> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let malformed = |_| ErrorKind::Malformed("the token has characters that cannot be sent".to_owned());
    let mut header = HeaderValue::from_str(&text).map_err(malformed)?;
    header.set_sensitive(true);
    Ok(header)
}
