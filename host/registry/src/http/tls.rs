//! The HTTP clients: one for each [`Route`], built for the first request that needs it.

mod refused;
mod verifier;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use refkit_content::ErrorKind;
use refkit_content::once::OnceMap;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::HttpOptions;
use super::names::{Lookup, NamedBy};
use crate::hosts::{Identity, Tls};
pub(super) use refused::refused;
use verifier::{Anyone, Trusted};

/// The settings by which requests reach a host. Requests with equal routes share an HTTP client and its connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// The settings of TLS; none for plain HTTP.
    pub(super) tls: Option<Tls>,
    /// The timeout for connecting.
    pub(super) connect: Duration,
    /// The host that has named this one; the client judges the addresses of this name by it.
    pub(super) named_by: Option<NamedBy>,
}

/// All HTTP clients. Each keeps its connections open.
#[derive(Default)]
pub(super) struct Clients {
    made: OnceMap<Route, reqwest::Client>,
    /// The settings of TLS with their certificates loaded, which takes time.
    configs: OnceMap<Option<Tls>, ClientConfig>,
}

/// How many clients are kept before those for hosts that another host has named are dropped. Each such host has its
/// own client.
const KEPT: usize = 256;

impl Clients {
    /// Returns the client for a route.
    pub(super) async fn get(&self, route: Route, options: &HttpOptions) -> Result<reqwest::Client, ErrorKind> {
        self.made.shrink(KEPT, |route| route.named_by.is_none());
        let make = async {
            let config = self.config(route.tls.as_ref(), options).await?;
            client(config, &route, options)
        };
        self.made.try_get(route.clone(), make).await
    }

    async fn config(&self, tls: Option<&Tls>, options: &HttpOptions) -> Result<ClientConfig, ErrorKind> {
        let make = async {
            let (own, system) = (options.roots.clone(), options.system_roots);
            let proxied = options.proxies.are_secure();
            if proxied && tls.is_some_and(|tls| tls.insecure || !tls.identities.is_empty()) {
                // The HTTP client uses the same settings of TLS for such a proxy as for the host.
                let text = "a host with a client certificate, or of which any certificate will do, is not asked through a \
                    proxy with https://: name one with http://, or leave this host out (NO_PROXY)";
                return Err(ErrorKind::Unsupported(text.to_owned()));
            }
            let tls = match tls {
                Some(tls) => tls.clone(),
                None if proxied => Tls::default(),
                // Plain HTTP reads no certificates, so nothing blocks.
                None => return configure(&Tls::default(), Roots::none()),
            };
            let read = move || configure(&tls, roots(&tls, &own, system)?);
            let config = tokio::task::spawn_blocking(read);
            config.await.map_err(|error| ErrorKind::Other(error.to_string()))?
        };
        self.configs.try_get(tls.cloned(), make).await
    }
}

/// The trusted root certificates.
struct Roots {
    store: RootCertStore,
    /// The same certificates, byte for byte.
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
        // Systems carry certificates that no library accepts; the rest are sufficient.
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
        // For plain HTTP, which needs no certificates.
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

fn client(tls: ClientConfig, route: &Route, options: &HttpOptions) -> Result<reqwest::Client, ErrorKind> {
    let named_by = route.named_by.clone();
    let lookup = Lookup { names: Arc::clone(&options.names), named_by, proxies: options.proxies.names() };
    let client = reqwest::Client::builder()
        .dns_resolver(lookup)
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("refkit/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(route.connect);
    let client = options.proxies.of_requests()?.into_iter().fold(client, reqwest::ClientBuilder::proxy);
    client.build().map_err(|error| ErrorKind::Other(format!("cannot set up TLS: {error}")))
}
