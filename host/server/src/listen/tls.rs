//! TLS of a listener: its certificate, and the roots of its clients' certificates.

use std::path::PathBuf;
use std::sync::Arc;

use refkit_config::ConfigError;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use super::common_name::common_name;
use crate::error::unreadable;
use crate::settings::{TlsFiles, Value};

/// Returns what accepts connections with these certificates. With `optional`, a client needs no certificate, because it
/// can say by a token or a password who it is.
///
/// # Errors
/// The error of a file that cannot be read, has nothing in it, or does not fit the others.
pub(super) fn acceptor(files: &TlsFiles, optional: bool) -> Result<TlsAcceptor, ConfigError> {
    let wrong = |file: &Value<PathBuf>, reason: &str| unreadable(file.position.as_ref(), &file.value, reason);
    let certificates = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key.value).map_err(|error| match error {
        pem::Error::NoItemsFound => wrong(&files.key, "there is no key in it (PEM)"),
        error => wrong(&files.key, &error.to_string()),
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| wrong(&files.cert, &error.to_string()))?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in self::certificates(file)? {
                roots.add(certificate).map_err(|error| wrong(file, &error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(file, &error.to_string()))?)
        }
    };
    let config = builder.with_single_cert(certificates, key);
    let mut config = config.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => wrong(&files.key, "it is not the key of the certificate"),
        error => wrong(&files.cert, &error.to_string()),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &Value<PathBuf>) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let wrong = |reason: &str| unreadable(file.position.as_ref(), &file.value, reason);
    let read = CertificateDer::pem_file_iter(&file.value).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| wrong(&error.to_string()))?;
    if read.is_empty() { Err(wrong("there is no certificate in it (PEM)")) } else { Ok(read) }
}

/// Returns the names in the certificate of a client: its subject alternative names, its common name, and its hash.
pub(super) fn names(connection: &ServerConnection) -> Option<Arc<[String]>> {
    let certificate = connection.peer_certificates()?.first()?;
    let hash = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    let alternative = parsed.valid_dns_names().chain(parsed.valid_uri_names());
    let names = alternative.chain(common_name(parsed.subject())).map(str::to_owned);
    Some(names.chain([format!("sha256:{hash}")]).collect())
}
