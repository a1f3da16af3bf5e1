//! TLS to a server.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::{ConnectError, Credentials};

/// Certificates that are trusted to sign the server's, in PEM.
#[derive(Clone)]
pub struct Trust(pub Vec<u8>);

/// A client's certificate, with those that signed it, and its key, both in PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificates, the client's own first.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

/// Returns the settings of TLS: HTTP/2, with the trusted certificates of the caller or of the system.
pub(super) fn config(credentials: &Credentials) -> Result<Arc<ClientConfig>, ConnectError> {
    let unusable = |what: &str, error: &dyn std::fmt::Display| ConnectError::Certificate(format!("{what}: {error}"));
    let mut roots = RootCertStore::empty();
    match &credentials.trust {
        Some(Trust(pem)) => {
            for certificate in certificates(pem).map_err(|error| unusable("the trusted certificates", &error))? {
                roots.add(certificate).map_err(|error| unusable("a trusted certificate", &error))?;
            }
        }
        None => {
            // Systems carry certificates that no library accepts; the rest are sufficient.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("TLS", &error))?
        .with_root_certificates(roots);
    let mut config = match &credentials.identity {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let chain = certificates(certificate).map_err(|error| unusable("the client's certificate", &error))?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable("the client's key", &error))?;
            let used = builder.with_client_auth_cert(chain, key);
            used.map_err(|error| unusable("the client's certificate and key", &error))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| error.to_string())?;
    if all.is_empty() { Err("there is none in it (PEM)".to_owned()) } else { Ok(all) }
}
