//! A host that serves a registry, with its settings. `setters` has the methods that change them.

mod setters;

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use refkit_config::Setting;
use refkit_content::ErrorKind;
use refkit_oci::Repository;
use url::Url;

use super::address::{DOCKER_HUB, is_docker_hub};
use super::{Network, Rewrite};

/// A host that serves a registry: a mirror, or the registry itself. `Debug` prints no values of headers.
#[derive(Clone)]
#[non_exhaustive]
pub struct Host {
    /// The URL below which the repositories are, such as `https://mirror.example/v2/`. Ends in `/`.
    pub api: Url,
    /// The name under which the credentials for this host are stored: the registry's, as references have it, or
    /// `host[:port]` of a mirror.
    pub credentials: String,
    /// The requests that the host may receive.
    pub capabilities: Capabilities,
    /// Whether requests carry the registry's name as `?ns=`, as those of containerd and BuildKit to a mirror do.
    pub names_registry: bool,
    /// The rules that rename repositories at this host; the first one that matches decides.
    pub rewrites: Vec<Rewrite>,
    /// The settings of TLS.
    pub tls: Tls,
    /// Headers of every request to this host, and to no other.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The timeout for connecting, if a file sets one.
    pub connect: Option<Duration>,
    /// The most requests at once, if a file sets it.
    pub concurrency: Option<NonZeroUsize>,
    /// The most requests a second, if a file sets it.
    pub rate: Option<NonZeroU32>,
    /// Private addresses that its redirects and token realms may lead to.
    pub allow_private: Vec<Network>,
    /// The file of each of these settings, for people.
    pub settings: Vec<Setting>,
}

impl Host {
    /// Returns the host of an API that begins at a URL such as `https://registry.example/v2/`, with default settings: all
    /// capabilities, and no `?ns=`.
    pub fn new(mut api: Url) -> Self {
        if !api.path().ends_with('/') {
            api.set_path(&format!("{}/", api.path()));
        }
        let host = api.host_str().unwrap_or_default();
        let host = api.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Self {
            credentials: if is_docker_hub(&host) { DOCKER_HUB.to_owned() } else { host },
            api,
            capabilities: Capabilities::ALL,
            names_registry: false,
            rewrites: Vec::new(),
            tls: Tls::default(),
            headers: Vec::new(),
            connect: None,
            concurrency: None,
            rate: None,
            allow_private: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// Returns the host of a mirror, with default settings: read only, and with `?ns=`.
    pub fn mirror(api: Url) -> Self {
        Self { capabilities: Capabilities::READ, names_registry: true, ..Self::new(api) }
    }

    /// Returns the path of a repository at this host, below [`Self::api`], after the first rewrite that matches.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the rewritten path is invalid.
    pub fn repository(&self, path: &str) -> Result<String, ErrorKind> {
        let Some((rule, rewritten)) = self.rewrites.iter().find_map(|rule| Some((rule, rule.apply(path)?))) else {
            return Ok(path.to_owned());
        };
        // Any registry will do here, because paths are valid independently of it.
        match Repository::new("registry.invalid", &rewritten) {
            Ok(_) => Ok(rewritten),
            Err(error) => {
                let shown: String = rewritten.chars().take(160).collect();
                let text = format!("the rewrite {rule} makes {shown:?} of {path:?}: {}", error.reason);
                Err(ErrorKind::Malformed(text))
            }
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Host")
            .field("api", &self.api.as_str())
            .field("credentials", &self.credentials)
            .field("capabilities", &self.capabilities)
            .field("names_registry", &self.names_registry)
            .field("rewrites", &self.rewrites)
            .field("tls", &self.tls)
            .field("headers", &headers)
            .field("connect", &self.connect)
            .field("concurrency", &self.concurrency)
            .field("rate", &self.rate)
            .field("allow_private", &self.allow_private)
            .field("settings", &self.settings)
            .finish()
    }
}

/// The requests that a host may receive, as `capabilities` of containerd's `hosts.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Resolving tags.
    pub resolve: bool,
    /// Reading content by digest.
    pub pull: bool,
    /// Writing.
    pub push: bool,
}

impl Capabilities {
    /// All requests, as for a registry itself.
    pub const ALL: Self = Self { resolve: true, pull: true, push: true };
    /// Only reads, as for a mirror.
    pub const READ: Self = Self { resolve: true, pull: true, push: false };

    /// Sets whether the client may resolve tags.
    #[must_use]
    pub fn resolve(mut self, resolve: bool) -> Self {
        self.resolve = resolve;
        self
    }

    /// Sets whether the client may read content by digest.
    #[must_use]
    pub fn pull(mut self, pull: bool) -> Self {
        self.pull = pull;
        self
    }

    /// Sets whether the client may write.
    #[must_use]
    pub fn push(mut self, push: bool) -> Self {
        self.push = push;
        self
    }
}

/// The settings of TLS for a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tls {
    /// Whether the client accepts any certificate.
    pub insecure: bool,
    /// Files of further root certificates (PEM), beside those of the system.
    pub roots: Vec<PathBuf>,
    /// The client's own certificates, each with its key (PEM); the client shows the first one.
    pub identities: Vec<Identity>,
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The file of the certificate and its chain.
    pub certificate: PathBuf,
    /// The file of the key; it may be the same.
    pub key: PathBuf,
}
