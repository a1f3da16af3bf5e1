//! Principals: hashes that identify the credentials that the client sends.

use async_trait::async_trait;
use refkit_content::{Error, ErrorKind, Operation, Principal};
use refkit_oci::Repository;
use sha2::{Digest as _, Sha256};

use super::Client;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;

#[async_trait]
impl Principal for Client {
    async fn principal(&self, repository: &Repository) -> Result<[u8; 32], Error> {
        let fail = |kind| Error::new(Operation::Resolve, repository, kind);
        let endpoints = self.reading(repository).map_err(fail)?;
        let mut all = Vec::new();
        for endpoint in &endpoints {
            let credentials = self.inner.layers.source().credentials(&endpoint.host.credentials).await;
            all.push(credentials.map_err(fail)?);
        }
        Ok(of(endpoints.iter().zip(&all)).await)
    }

    async fn anonymous(&self, repository: &Repository) -> Option<[u8; 32]> {
        let endpoints = self.reading(repository).ok()?;
        Some(of(endpoints.iter().zip(std::iter::repeat(&Credentials::Anonymous))).await)
    }

    fn is_anonymous(&self, repository: &Repository) -> bool {
        let anonymous = |endpoint: &Endpoint| !self.inner.layers.has_sent_credentials(endpoint);
        self.reading(repository).is_ok_and(|endpoints| endpoints.iter().all(anonymous))
    }
}

impl Client {
    /// Returns the hosts that serve reads of a repository. A response may come from any of them, so the principal
    /// covers the credentials for all of them.
    fn reading(&self, repository: &Repository) -> Result<Vec<Endpoint>, ErrorKind> {
        self.endpoints(repository, |can| can.pull || can.resolve)
    }
}

/// Returns a hash of the credentials for these hosts, and of all other settings by which the hosts distinguish
/// clients.
async fn of(asked: impl Iterator<Item = (&Endpoint, &Credentials)>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (endpoint, credentials) in asked {
        hasher.update(credentials.fingerprint().as_slice());
        let host = &endpoint.host;
        part(&mut hasher, host.api.as_str().as_bytes());
        for (name, value) in &host.headers {
            part(&mut hasher, name.as_str().as_bytes());
            part(&mut hasher, value.as_bytes());
        }
        for identity in &host.tls.identities {
            // A file that cannot be read counts as empty; the request that needs it fails.
            let bytes = tokio::fs::read(&identity.certificate).await.unwrap_or_default();
            part(&mut hasher, &bytes);
        }
    }
    hasher.finalize().into()
}

fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
