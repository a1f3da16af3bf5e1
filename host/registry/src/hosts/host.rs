//! One place that answers for a registry, and how it is asked.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use refkit_config::Setting;
use refkit_content::ErrorKind;
use refkit_oci::Repository;
use url::Url;

use super::place::{DOCKER_HUB, is_docker_hub};
use super::{Network, Rewrite};

/// A host that is asked for what a registry has: a mirror, or the registry itself. `Debug` prints no values of headers.
#[derive(Clone)]
pub struct Host {
    /// Where the paths of repositories begin, such as `https://mirror.example/v2/`. Ends in `/`.
    pub api: Url,
    /// The name that credentials for this host go by: the registry's own as references name it, or `host[:port]` of a
    /// mirror.
    pub credentials: String,
    /// What it may be asked.
    pub capabilities: Capabilities,
    /// Whether the registry's name goes along as `?ns=`, as containerd and BuildKit tell mirrors.
    pub names_registry: bool,
    /// What repositories are called there; the first rule that matches decides.
    pub rewrites: Vec<Rewrite>,
    /// How it is known, where TLS is spoken.
    pub tls: Tls,
    /// What is sent along with every request to it, and to nobody else.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// For a connection, where a file says so.
    pub connect: Option<Duration>,
    /// The most requests at once, where a file says so.
    pub concurrency: Option<NonZeroUsize>,
    /// The most requests in a second, where a file says so.
    pub rate: Option<NonZeroU32>,
    /// Addresses inside the network that it may lead to, by a redirect or as the realm of a token.
    pub allow_private: Vec<Network>,
    /// Where each of these comes from, for people.
    pub settings: Vec<Setting>,
}

impl Host {
    /// Returns the host of an API that begins at a URL such as `https://registry.example/v2/`, with everything else as
    /// it is where nobody says anything: it may be asked anything, and is not told whose name was asked for.
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

    /// Returns the same for a mirror: it is read only, and told whose name was asked for.
    pub fn mirror(api: Url) -> Self {
        Self { capabilities: Capabilities::READ, names_registry: true, ..Self::new(api) }
    }

    /// Returns what a repository's path is at this host: as the first rule that matches says. Requests go to what it
    /// begins, below [`Self::api`].
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where a rule makes something of it that is no path of a repository.
    pub fn repository(&self, path: &str) -> Result<String, ErrorKind> {
        let Some((rule, rewritten)) = self.rewrites.iter().find_map(|rule| Some((rule, rule.apply(path)?))) else {
            return Ok(path.to_owned());
        };
        // The registry only stands for one that changes no paths.
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

/// What a host may be asked, as `capabilities` of containerd's `hosts.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// What a tag names.
    pub resolve: bool,
    /// Content by digest, and lists.
    pub pull: bool,
    /// Writing.
    pub push: bool,
}

impl Capabilities {
    /// Everything, as of a registry itself.
    pub const ALL: Self = Self { resolve: true, pull: true, push: true };
    /// Reading, as of a mirror.
    pub const READ: Self = Self { resolve: true, pull: true, push: false };
}

/// How a host's certificate is judged, and which one it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Files of further root certificates (PEM), beside those of the system.
    pub roots: Vec<PathBuf>,
    /// The client's own certificates, each with its key (PEM); the first is shown.
    pub identities: Vec<Identity>,
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The file of the certificate and its chain.
    pub certificate: PathBuf,
    /// The file of the key; it may be the same.
    pub key: PathBuf,
}
