//! The two HTTP clients: one without TLS, and one with it, whose roots are read when the first request needs them.

use std::sync::Arc;

use refkit_content::Problem;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;

use crate::builder::{ClientBuilder, Timeouts};

/// Both clients, made when they are first needed.
#[derive(Default)]
pub(crate) struct Clients {
    plain: OnceCell<reqwest::Client>,
    secure: OnceCell<reqwest::Client>,
}

impl Clients {
    /// Returns the client for a URL's scheme.
    pub(crate) async fn get(&self, scheme: &str, settings: &ClientBuilder) -> Result<&reqwest::Client, Problem> {
        if scheme == "http" {
            return self.plain.get_or_try_init(|| async { client(RootCertStore::empty(), settings.timeouts) }).await;
        }
        let make = || async {
            let (own, system) = (settings.roots.clone(), settings.system_roots);
            let roots = tokio::task::spawn_blocking(move || roots(&own, system)).await;
            client(roots.map_err(|error| Problem::Other(error.to_string()))??, settings.timeouts)
        };
        self.secure.get_or_try_init(make).await
    }
}

fn roots(own: &[u8], system: bool) -> Result<RootCertStore, Problem> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(own) {
        let malformed = |error: &dyn std::fmt::Display| Problem::Malformed(format!("a root certificate: {error}"));
        let certificate = certificate.map_err(|error| malformed(&error))?;
        store.add(certificate).map_err(|error| malformed(&error))?;
    }
    if system {
        // Systems carry certificates that no library takes; the others are enough.
        let (_, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if store.is_empty() {
        let text = "this system has no root certificates; install the package ca-certificates";
        return Err(Problem::Other(text.to_owned()));
    }
    Ok(store)
}

fn client(roots: RootCertStore, timeouts: Timeouts) -> Result<reqwest::Client, Problem> {
    let other = |error: &dyn std::fmt::Display| Problem::Other(format!("cannot set up TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| other(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("refkit/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(timeouts.connect)
        .build()
        .map_err(|error| other(&error))
}
