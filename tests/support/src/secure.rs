//! The client of [`plain`](crate::plain) over TLS, for looking at servers that want to see a certificate.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::authority::Issued;
use crate::plain::{Reply, connect, exchange};

/// Sends `GET target` to `IP:PORT` over TLS and returns what comes. The server's certificate has to be signed by one of
/// the roots (PEM); the client shows its own where there is one.
///
/// # Errors
/// Where TLS is refused by either side, there is no answer, or none that is HTTP.
pub fn get(
    host: &str,
    roots: &str,
    own: Option<&Issued>,
    target: &str,
    headers: &[(&str, &str)],
) -> anyhow::Result<Reply> {
    secured(host, roots, own)
        .and_then(|stream| exchange(stream, host, "GET", target, headers, b""))
        .with_context(|| format!("GET https://{host}{target}"))
}

fn secured(
    host: &str,
    roots: &str,
    own: Option<&Issued>,
) -> anyhow::Result<StreamOwned<ClientConnection, std::net::TcpStream>> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(roots.as_bytes()) {
        store.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store);
    let settings = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_auth_cert(
            CertificateDer::pem_slice_iter(own.certificate.as_bytes()).collect::<Result<_, _>>()?,
            PrivateKeyDer::from_pem_slice(own.key.as_bytes())?,
        )?,
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = ServerName::try_from(name.to_owned())?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(settings), name)?, connect(host)?))
}
