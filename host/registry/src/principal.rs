//! As whom a registry is asked.

use async_trait::async_trait;
use refkit_content::{Error, Operation, Principal};
use refkit_oci::Repository;
use sha2::{Digest as _, Sha256};

use crate::Client;

#[async_trait]
impl Principal for Client {
    async fn principal(&self, repository: &Repository) -> Result<[u8; 32], Error> {
        let fail = |problem| Error::new(Operation::Resolve, repository, problem);
        // An answer may come from any of the hosts, so it is one for whoever this is at all of them.
        let mut hasher = Sha256::new();
        for endpoint in self.endpoints(repository, |can| can.pull || can.resolve).map_err(fail)? {
            let credentials = self.inner.settings.credentials.credentials(&endpoint.host.credentials).await;
            hasher.update(credentials.map_err(fail)?.fingerprint().as_slice());
            let host = &endpoint.host;
            part(&mut hasher, host.api.as_str().as_bytes());
            for (name, value) in &host.headers {
                part(&mut hasher, name.as_str().as_bytes());
                part(&mut hasher, value.as_bytes());
            }
            for identity in &host.tls.identities {
                // What cannot be read is nobody's yet; who asks with it is told so.
                let bytes = tokio::fs::read(&identity.certificate).await.unwrap_or_default();
                part(&mut hasher, &bytes);
            }
        }
        Ok(hasher.finalize().into())
    }
}

fn part(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}
