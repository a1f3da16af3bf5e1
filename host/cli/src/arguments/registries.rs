//! Arguments about registries and the cache.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which hosts serve a registry, and how the client talks to them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registries")]
pub struct Registries {
    /// Reads this refkit.toml instead of the usual ones.
    #[arg(long = "settings", value_name = "FILE")]
    pub refkit: Option<PathBuf>,
    /// Reads this buildkitd.toml instead of the usual ones.
    #[arg(long = "buildkitd-config", value_name = "FILE")]
    pub buildkitd: Option<PathBuf>,
    /// Reads this directory of HOST/hosts.toml, as containerd has it, instead of the usual ones.
    #[arg(long = "hosts-dir", value_name = "DIR")]
    pub certs_d: Option<PathBuf>,
    /// Uses plain HTTP for the registries that the command names, as for localhost anyway.
    #[arg(long)]
    pub plain_http: bool,
}

/// When the command uses the cache.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cache")]
pub struct Caching {
    /// When RefKit requests content that the cache has.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub pull: Pull,
    /// Sends no request: tags name what they named at the last request.
    #[arg(long, conflicts_with = "pull")]
    pub offline: bool,
    /// Takes a tag from the cache if its registry is unreachable.
    #[arg(long, conflicts_with = "offline")]
    pub stale_if_error: bool,
    /// Neither reads nor writes the caches of content and of compiled policies.
    #[arg(long, conflicts_with_all = ["pull", "offline", "stale_if_error"])]
    pub no_cache: bool,
}

/// When registries get a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Pull {
    /// For tags, and for content that the cache lacks.
    #[default]
    Default,
    /// For everything that a reference names, by digest as well.
    Always,
    /// Never: tags name what they named at the last request, and content that the cache lacks is an error.
    Never,
}
