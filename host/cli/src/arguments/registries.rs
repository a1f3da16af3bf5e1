//! Arguments about registries and the cache.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which hosts serve a registry, and how the client talks to them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registries")]
pub struct Registries {
    /// Reads this refkit.toml instead of those in the usual places.
    #[arg(long = "settings", value_name = "FILE")]
    pub refkit: Option<PathBuf>,
    /// Reads this buildkitd.toml instead of those in the usual places.
    #[arg(long = "buildkitd-config", value_name = "FILE")]
    pub buildkitd: Option<PathBuf>,
    /// Reads this directory of HOST/hosts.toml, as containerd has it, instead of those in the usual places.
    #[arg(long = "hosts-dir", value_name = "DIR")]
    pub certs_d: Option<PathBuf>,
    /// Speaks HTTP without TLS to the registries that are named; localhost is spoken to like that anyway.
    #[arg(long)]
    pub plain_http: bool,
}

/// When the cache answers.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cache")]
pub struct Caching {
    /// When registries are asked for what the cache has.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub pull: Pull,
    /// Asks no registry: tags, too, are what they were when they were last seen.
    #[arg(long, conflicts_with = "pull")]
    pub offline: bool,
    /// Takes a tag from the cache where its registry cannot be asked.
    #[arg(long, conflicts_with = "offline")]
    pub stale_if_error: bool,
    /// Keeps nothing, and takes nothing from the cache: neither content of registries nor compiled policies.
    #[arg(long, conflicts_with_all = ["pull", "offline", "stale_if_error"])]
    pub no_cache: bool,
}

/// When registries get a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Pull {
    /// For tags, and for what the cache does not have.
    #[default]
    Default,
    /// For everything that a reference names, by digest as well.
    Always,
    /// Never: tags are what they were when they were last seen, and what the cache does not have is an error.
    Never,
}
