//! A host as a file specifies it, before its registry is known.

use super::address::{self, Address};
use super::host::{Capabilities, Host, Tls};
use super::pattern::Pattern;
use super::settings::Settings;
use super::{HostsError, Rewrite};
use refkit_config::{Setting, Sourced};
use url::Url;

/// Whether the client speaks TLS with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Https,
    Http,
    /// TLS, and plain HTTP if that fails.
    Either,
    /// No file names a scheme: the client uses plain HTTP for a host on this machine, or tries TLS first if it does
    /// not check the host's certificate, as BuildKit does.
    Unsaid,
    /// No file names a scheme: for a host on this machine the port decides, as in containerd.
    ByPort,
}

/// A host as a file specifies it.
#[derive(Clone)]
pub(super) struct HostSpecification {
    /// Its address; none for the registry itself.
    pub(super) address: Option<Address>,
    /// The path of its API, without slashes around it: `v2/proxy`.
    pub(super) api: String,
    pub(super) scheme: Scheme,
    /// Its capabilities, unless its settings have some.
    pub(super) capabilities: Capabilities,
    pub(super) rewrites: Option<Sourced<Vec<Rewrite>>>,
    pub(super) settings: Settings,
    /// The setting that names it.
    pub(super) origin: Option<Setting>,
}

/// The hosts of registries, by pattern, or the error of the file.
pub(super) type HostSpecifications = Vec<(Pattern, Result<Vec<HostSpecification>, HostsError>)>;

impl HostSpecification {
    /// Returns the specification of a registry itself.
    pub(super) fn registry(settings: Settings, scheme: Scheme) -> Self {
        let (api, capabilities) = ("v2".to_owned(), Capabilities::ALL);
        Self { address: None, api, scheme, capabilities, rewrites: None, settings, origin: None }
    }

    /// Returns the host for a registry, or two if the client tries TLS and then plain HTTP. `plain` selects plain HTTP
    /// for the registry itself, and for hosts whose scheme no file names.
    pub(super) fn hosts(&self, registry: &str, plain: bool) -> Result<Vec<Host>, HostsError> {
        let authority = self.address.as_ref().map_or(registry, |address| &address.authority);
        let itself = self.address.as_ref().is_none_or(|address| address.is(registry));
        let mut insecure = Settings::is(&self.settings.insecure);
        let scheme = match self.scheme {
            _ if plain && itself => Scheme::Http,
            Scheme::Unsaid if plain => Scheme::Http,
            Scheme::Unsaid if !address::is_local(authority) => Scheme::Https,
            Scheme::Unsaid if insecure => Scheme::Either,
            Scheme::Unsaid => Scheme::Http,
            Scheme::ByPort if !address::is_local(authority) => Scheme::Https,
            Scheme::ByPort => {
                let port = address::split(authority).1;
                insecure = port != Some("80");
                match port {
                    Some("80") => Scheme::Http,
                    None | Some("443") => Scheme::Https,
                    Some(_) => Scheme::Either,
                }
            }
            said => said,
        };
        let tls = Tls {
            insecure,
            roots: self.settings.roots.as_ref().map(|said| said.value.clone()).unwrap_or_default(),
            identities: self.settings.identities.as_ref().map(|said| said.value.clone()).unwrap_or_default(),
        };
        let schemes: &[&str] = match scheme {
            Scheme::Http => &["http"],
            Scheme::Either => &["https", "http"],
            _ => &["https"],
        };
        schemes.iter().map(|scheme| self.host(registry, authority, itself, scheme, &tls)).collect()
    }

    fn host(&self, registry: &str, authority: &str, itself: bool, scheme: &str, tls: &Tls) -> Result<Host, HostsError> {
        let slash = if self.api.is_empty() { "" } else { "/" };
        let api = format!("{scheme}://{}/{}{slash}", address::serving(authority), self.api);
        let api = Url::parse(&api).map_err(|error| HostsError::Name {
            name: authority.to_owned(),
            reason: format!("this is no name of a host: {error}"),
        })?;
        let credentials = match &self.address {
            Some(address) if !itself => address.credentials(),
            _ => registry,
        };
        let said = &self.settings;
        let rewrites = self.rewrites.as_ref();
        Ok(Host {
            api,
            credentials: credentials.to_owned(),
            capabilities: said.capabilities.as_ref().map_or(self.capabilities, |said| said.value),
            names_registry: !itself,
            rewrites: rewrites.map(|said| said.value.clone()).unwrap_or_default(),
            tls: if scheme == "https" { tls.clone() } else { Tls::default() },
            headers: said.headers.as_ref().map(|said| said.value.clone()).unwrap_or_default(),
            connect: said.connect.as_ref().map(|said| said.value),
            concurrency: said.concurrency.as_ref().map(|said| said.value),
            rate: said.rate.as_ref().map(|said| said.value),
            allow_private: said.allow_private.as_ref().map(|said| said.value.clone()).unwrap_or_default(),
            settings: [
                self.origin.iter().cloned().collect(),
                rewrites.map(|said| said.settings.clone()).unwrap_or_default(),
                said.all(),
            ]
            .concat(),
        })
    }
}
