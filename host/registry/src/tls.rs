//! The HTTP clients: one for each way of speaking TLS, made when the first request needs it.

mod refused;
mod verifier;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use refkit_content::ErrorKind;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;

use crate::builder::ClientBuilder;
use crate::hosts::{Identity, Tls};
use crate::names::{Leash, Lookup};
pub(crate) use refused::problem;
use verifier::{Anyone, Trusted};

/// What HTTP clients differ in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    /// How TLS is spoken, none for plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// How long a connection may take.
    pub(crate) connect: Duration,
    /// By what addresses of names are judged.
    pub(crate) leash: Option<Leash>,
}

type Cells<K, T> = Mutex<HashMap<K, Arc<OnceCell<T>>>>;

/// All clients. Each keeps its connections.
#[derive(Default)]
pub(crate) struct Clients {
    made: Cells<Way, reqwest::Client>,
    /// What takes time: to read the system's certificates.
    configs: Cells<Option<Tls>, ClientConfig>,
}

/// Clients for places that hosts lead to, which are kept before all of those are thrown away: there is one for each such
/// host.
const KEPT: usize = 256;

impl Clients {
    /// Returns the client that asks in this way.
    pub(crate) async fn get(&self, way: Way, settings: &ClientBuilder) -> Result<reqwest::Client, ErrorKind> {
        let cell = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            if made.len() >= KEPT {
                made.retain(|way, _| way.leash.is_none());
            }
            Arc::clone(made.entry(way.clone()).or_default())
        };
        let make = || async {
            let config = self.config(way.tls.as_ref(), settings).await?;
            client(config, way, settings)
        };
        cell.get_or_try_init(make).await.cloned()
    }

    async fn config(&self, tls: Option<&Tls>, settings: &ClientBuilder) -> Result<ClientConfig, ErrorKind> {
        let cell = {
            let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(configs.entry(tls.cloned()).or_default())
        };
        let make = || async {
            let (own, system) = (settings.roots.clone(), settings.system_roots);
            let proxied = settings.proxies.are_secure();
            if proxied && tls.is_some_and(|tls| tls.insecure || !tls.identities.is_empty()) {
                // The HTTP client speaks to such a proxy as it does to the host.
                let text = "a host with a client certificate, or of which any certificate will do, is not asked through a \
                    proxy with https://: name one with http://, or leave this host out (NO_PROXY)";
                return Err(ErrorKind::Unsupported(text.to_owned()));
            }
            let tls = tls.cloned();
            let config = tokio::task::spawn_blocking(move || match tls {
                None if proxied => configure(&Tls::default(), roots(&Tls::default(), &own, system)?),
                None => configure(&Tls::default(), Roots::none()),
                Some(tls) => configure(&tls, roots(&tls, &own, system)?),
            });
            config.await.map_err(|error| ErrorKind::Other(error.to_string()))?
        };
        cell.get_or_try_init(make).await.cloned()
    }
}

/// What certificates are judged by.
struct Roots {
    store: RootCertStore,
    /// The same, byte for byte.
    certificates: HashSet<CertificateDer<'static>>,
}

impl Roots {
    fn none() -> Self {
        Self { store: RootCertStore::empty(), certificates: HashSet::new() }
    }
}

fn roots(tls: &Tls, own: &[u8], system: bool) -> Result<Roots, ErrorKind> {
    let Roots { mut store, mut certificates } = Roots::none();
    let mut add = |pem: &[u8], from: &dyn std::fmt::Display| {
        let malformed = |error: &dyn std::fmt::Display| ErrorKind::Malformed(format!("{from}: {error}"));
        let mut number = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| malformed(&error))?;
            store.add(certificate.clone()).map_err(|error| malformed(&error))?;
            certificates.insert(certificate);
            number += 1;
        }
        Ok::<usize, ErrorKind>(number)
    };
    add(own, &"a root certificate")?;
    for file in &tls.roots {
        if add(&read(file)?, &file.display())? == 0 {
            return Err(ErrorKind::Malformed(format!("{}: there is no certificate in it (PEM)", file.display())));
        }
    }
    if system {
        // Systems carry certificates that no library takes; the others are enough.
        let found = rustls_native_certs::load_native_certs().certs;
        let (_, _) = store.add_parsable_certificates(found.iter().cloned());
        certificates.extend(found);
    }
    if store.is_empty() && !tls.insecure {
        let text = "this system has no root certificates; install the package ca-certificates";
        return Err(ErrorKind::Other(text.to_owned()));
    }
    Ok(Roots { store, certificates })
}

fn read(file: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, ErrorKind> {
    let bytes = std::fs::read(file);
    bytes.map(Into::into).map_err(|error| ErrorKind::Malformed(format!("{}: {error}", file.display())))
}

fn configure(tls: &Tls, roots: Roots) -> Result<ClientConfig, ErrorKind> {
    let other = |error: &dyn std::fmt::Display| ErrorKind::Other(format!("cannot set up TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| other(&error))?;
    let builder = if tls.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else if roots.store.is_empty() {
        // For plain HTTP, which asks nobody.
        builder.with_root_certificates(roots.store)
    } else {
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.store), provider).build();
        let trusted = Trusted { chains: chains.map_err(|error| other(&error))?, roots: roots.certificates };
        builder.dangerous().with_custom_certificate_verifier(Arc::new(trusted))
    };
    let mut config = match tls.identities.first() {
        None => builder.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            let malformed = |file: &Path, error: &dyn std::fmt::Display| {
                ErrorKind::Malformed(format!("{}: no client certificate: {error}", file.display()))
            };
            let pem = read(certificate)?;
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let chain = chain.map_err(|error| malformed(certificate, &error))?;
            let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| malformed(key, &error))?;
            builder.with_client_auth_cert(chain, secret).map_err(|error| malformed(certificate, &error))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn client(tls: ClientConfig, way: Way, settings: &ClientBuilder) -> Result<reqwest::Client, ErrorKind> {
    let Way { connect, leash, .. } = way;
    let lookup = Lookup { names: Arc::clone(&settings.names), leash, proxies: settings.proxies.names() };
    let client = reqwest::Client::builder()
        .dns_resolver(lookup)
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("refkit/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(connect);
    let client = settings.proxies.of_requests()?.into_iter().fold(client, reqwest::ClientBuilder::proxy);
    client.build().map_err(|error| ErrorKind::Other(format!("cannot set up TLS: {error}")))
}
