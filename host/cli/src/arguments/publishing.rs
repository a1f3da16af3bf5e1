//! Arguments about publishing policies.

use std::path::PathBuf;

use clap::Args;
use refkit::settings::Assignment;
use refkit_oci::pattern::Pattern;

/// The publishing policies of a run, with their settings and what they may write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub struct Publishing {
    /// A publishing policy, a WebAssembly component. The first one is outermost; RefKit's default publisher is always the
    /// last.
    #[arg(long = "publish-policy", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A setting of a publishing policy; --set is for the policies that decide about sources.
    #[arg(long = "publish-set", value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories and tags that publishing policies may write besides the destinations, such as
    /// ghcr.io/example/app:1.*.
    #[arg(long = "grant-write", value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
}
