//! A host before it is known for which registry it is asked.

use super::host::{Capabilities, Host, Tls};
use super::pattern::Pattern;
use super::place::{self, Place};
use super::settings::Settings;
use super::{HostsError, Rewrite};
use refkit_config::{Setting, Sourced};
use url::Url;

/// What is spoken with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Https,
    Http,
    /// TLS, and without it where that fails.
    Either,
    /// Nothing is said: a name of this machine is asked without TLS, and where certificates do not matter with it
    /// first, as BuildKit does.
    Unsaid,
    /// Nothing is said: of a name of this machine the port tells, as in containerd.
    ByPort,
}

/// A host in a file.
#[derive(Clone)]
pub(super) struct Draft {
    /// Where it is; none for the registry itself.
    pub(super) place: Option<Place>,
    /// The path of its API, without slashes around it: `v2/proxy`.
    pub(super) api: String,
    pub(super) scheme: Scheme,
    /// What it may be asked where the settings do not say.
    pub(super) capabilities: Capabilities,
    pub(super) rewrites: Option<Sourced<Vec<Rewrite>>>,
    pub(super) settings: Settings,
    /// The setting by which it is asked at all.
    pub(super) origin: Option<Setting>,
}

/// The hosts of registries, each with what is wrong with them instead.
pub(super) type Drafts = Vec<(Pattern, Result<Vec<Draft>, HostsError>)>;

impl Draft {
    /// Returns the registry itself.
    pub(super) fn registry(settings: Settings, scheme: Scheme) -> Self {
        let (api, capabilities) = ("v2".to_owned(), Capabilities::ALL);
        Self { place: None, api, scheme, capabilities, rewrites: None, settings, origin: None }
    }

    /// Returns the host for a registry; two where it is tried with TLS and then without. `plain` asks without TLS the
    /// registry, and what says nothing else.
    pub(super) fn hosts(&self, registry: &str, plain: bool) -> Result<Vec<Host>, HostsError> {
        let authority = self.place.as_ref().map_or(registry, |place| &place.authority);
        let itself = self.place.as_ref().is_none_or(|place| place.is(registry));
        let mut insecure = Settings::is(&self.settings.insecure);
        let scheme = match self.scheme {
            _ if plain && itself => Scheme::Http,
            Scheme::Unsaid if plain => Scheme::Http,
            Scheme::Unsaid if !place::is_local(authority) => Scheme::Https,
            Scheme::Unsaid if insecure => Scheme::Either,
            Scheme::Unsaid => Scheme::Http,
            Scheme::ByPort if !place::is_local(authority) => Scheme::Https,
            Scheme::ByPort => {
                let port = place::split(authority).1;
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
        let api = format!("{scheme}://{}/{}{slash}", place::serving(authority), self.api);
        let api = Url::parse(&api).map_err(|error| HostsError::Name {
            name: authority.to_owned(),
            reason: format!("this is no name of a host: {error}"),
        })?;
        let credentials = match &self.place {
            Some(place) if !itself => place.credentials(),
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
