//! What a person writes about registries and the cache.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Format;

/// Which hosts answer for registries, and how they are asked.
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

/// What is taken from the cache, and when.
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

/// When registries are asked.
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

/// Arguments of `refkit hosts`.
#[derive(Debug, Args)]
pub struct Hosts {
    /// An image, or a repository.
    #[arg(value_name = "REF")]
    pub reference: String,
    #[command(flatten)]
    pub registries: Registries,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Arguments of `refkit cache`.
#[derive(Debug, Args)]
pub struct Cache {
    /// What to do.
    #[command(subcommand)]
    pub command: CacheCommand,
}

impl Cache {
    /// Returns which cache it is about.
    pub fn alone(&self) -> &CacheAlone {
        match &self.command {
            CacheCommand::Info(alone) => alone,
            CacheCommand::Prune(prune) => &prune.cache,
            CacheCommand::Verify(verify) => &verify.cache,
        }
    }
}

/// The commands for the cache.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Says where the cache is, and how much is in it.
    Info(CacheAlone),
    /// Throws away content and compiled policies as asked for, and what was not finished writing.
    Prune(CachePrune),
    /// Reads all of it, and throws away what is not as it should be.
    Verify(CacheVerify),
}

/// Which cache, and how it is told of.
#[derive(Debug, Args)]
pub struct CacheAlone {
    /// A directory of content; without this, the user's, and the user's compiled policies.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Arguments of `refkit cache prune`.
#[derive(Debug, Args)]
pub struct CachePrune {
    #[command(flatten)]
    pub what: PruneWhat,
    #[command(flatten)]
    pub cache: CacheAlone,
}

/// What is thrown away.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PruneWhat {
    /// Everything.
    #[arg(long)]
    pub all: bool,
    /// What was used longest ago, until no more is left than this: bytes, or a number with K, M or G.
    #[arg(long, value_name = "SIZE", value_parser = super::size)]
    pub to: Option<u64>,
    /// What was not used for this time: a number with s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    pub unused_for: Option<std::time::Duration>,
}

/// Arguments of `refkit cache verify`.
#[derive(Debug, Args)]
pub struct CacheVerify {
    /// Says what is wrong, and leaves it there.
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub cache: CacheAlone,
}
