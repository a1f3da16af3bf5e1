//! Recognizes clients: by certificate, token, password, or the user at the other end of a unix socket.

mod htpasswd;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::Client;
use crate::listen::Peer;
use crate::settings::{Credentials, SettingsError};
use htpasswd::Htpasswd;
use tokens::Tokens;

/// A client that does not show who it is, where it has to, or shows it wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unrecognized {
    /// There are no credentials.
    #[error("this server needs to know who asks: send a token, a password or a client certificate")]
    Missing,
    /// The token or the password is wrong.
    #[error("the token or password is not known here")]
    Wrong,
    /// The header is neither.
    #[error("the Authorization header has neither Bearer nor Basic")]
    Malformed,
}

/// The tokens and passwords of a server.
#[derive(Debug)]
pub(crate) struct Clients {
    tokens: Tokens,
    htpasswd: Htpasswd,
}

impl Clients {
    /// Reads the files of tokens and passwords. It blocks.
    ///
    /// # Errors
    /// Every line that is wrong.
    pub(crate) fn read(credentials: &Credentials) -> Result<Self, SettingsError> {
        let mut errors = Vec::new();
        let tokens = Tokens::read(credentials, &mut errors);
        let htpasswd = Htpasswd::read(credentials.htpasswd.as_ref(), &mut errors);
        if errors.is_empty() { Ok(Self { tokens, htpasswd }) } else { Err(SettingsError::Wrong(errors)) }
    }

    /// Returns who sends a request. Credentials in the request come first, then the certificate of the connection, then
    /// the user of the process.
    ///
    /// # Errors
    /// [`Unrecognized`] for credentials that are wrong, and for none where the listener does not admit everyone.
    pub(crate) async fn recognize(&self, peer: &Peer, headers: &HeaderMap) -> Result<Client, Unrecognized> {
        if let Some(header) = headers.get(AUTHORIZATION) {
            let (scheme, rest) =
                header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Unrecognized::Malformed)?;
            return match scheme.to_ascii_lowercase().as_str() {
                "bearer" => self.tokens.client(rest.trim()).ok_or(Unrecognized::Wrong),
                "basic" => self.user(rest.trim()).await,
                _ => Err(Unrecognized::Malformed),
            };
        }
        self.by_connection(peer).ok_or(Unrecognized::Missing)
    }

    /// Returns who is at the other end of a connection, whatever its requests say.
    pub(crate) fn by_connection(&self, peer: &Peer) -> Option<Client> {
        let certificate = peer.certificate.clone().map(Client::Certificate);
        let client = certificate.or_else(|| peer.uid.map(Client::Uid));
        client.or_else(|| peer.anonymous.then_some(Client::Anonymous))
    }

    async fn user(&self, encoded: &str) -> Result<Client, Unrecognized> {
        let decoded = STANDARD.decode(encoded).map_err(|_| Unrecognized::Malformed)?;
        let text = String::from_utf8(decoded).map_err(|_| Unrecognized::Malformed)?;
        let (name, password) = text.split_once(':').ok_or(Unrecognized::Malformed)?;
        self.htpasswd.client(name, password).await.ok_or(Unrecognized::Wrong)
    }
}

#[cfg(test)]
mod tests;
