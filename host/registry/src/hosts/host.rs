//! One place that answers for a registry, and how it is asked.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::Rewrite;

/// A host that is asked for what a registry has: a mirror, or the registry itself.
#[derive(Debug, Clone)]
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
    /// Where each of these comes from, for people.
    pub settings: Vec<Setting>,
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

/// A setting, as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the file, such as `mirrors`.
    pub name: String,
    /// Its value, as a person reads it.
    pub value: String,
    /// The file.
    pub file: PathBuf,
    /// The table in the file, such as `registry."docker.io"`.
    pub table: String,
}
