//! Arguments of the commands that publish.

use std::path::PathBuf;

use clap::Args;
use refkit::Publisher;
use refkit::settings::Assignment;
use refkit_oci::pattern::Pattern;

use super::{Caching, Policies, Printing, Registries, Server};
use crate::progress::ProgressArguments;

/// What all commands that publish have: the policies, the registries, and whether they only check.
#[derive(Debug, Args)]
pub struct PublishOptions {
    /// Checks everything and prints the result, and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub policies: Policies,
    #[command(flatten)]
    pub publishing: Publishing,
    #[command(flatten)]
    pub registries: Registries,
    #[command(flatten)]
    pub server: Server,
    /// Neither reads nor writes the caches of content and of compiled policies.
    #[arg(long, help_heading = "Cache")]
    pub no_cache: bool,
    #[command(flatten)]
    pub progress: ProgressArguments,
    #[command(flatten)]
    pub printing: Printing,
}

impl PublishOptions {
    /// Returns a setting for the default publisher, which is the last of the chain.
    pub fn setting(&self, name: &str, value: &str) -> Assignment {
        Assignment::new(format!("{}.{name}", self.publishing.files.len() + 1), value)
    }

    /// Returns how the cache is used: tags always name what their registry says.
    pub fn caching(&self) -> Caching {
        Caching { no_cache: self.no_cache, ..Caching::default() }
    }
}

/// The publishing policies of a run, with their settings and what they may write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub struct Publishing {
    /// A publishing policy, a WebAssembly component. The first one is outermost; RefKit's default publisher is always the
    /// last.
    #[arg(id = "publish-policy", long, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A setting of a publishing policy; --set is for the policies that decide about sources.
    #[arg(id = "publish-set", long, value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories and tags that publishing policies may write besides the destinations, such as
    /// ghcr.io/example/app:1.*.
    #[arg(id = "grant-write", long, value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
}

/// What comes along with an image.
#[derive(Debug, Clone, Copy, Args)]
pub struct Along {
    /// Copies the referrers of each image as well (signatures, SBOMs, attestations), theirs too, and what cosign keeps
    /// under tags: sha256-HEX.sig, .att and .sbom.
    #[arg(long)]
    referrers: bool,
    /// Copies layers that may not be distributed; by default they stay where their urls say.
    #[arg(long)]
    include_nondistributable: bool,
    /// Checks every manifest and blob of the image at the destination, and sends what is absent. Otherwise an image or an
    /// index that the destination has counts as complete, which one of --sparse is not.
    #[arg(long)]
    force_recursive: bool,
}

impl Along {
    /// Returns the settings of the default publisher.
    pub fn settings(self, options: &PublishOptions) -> Vec<Assignment> {
        self.referrers.then(|| options.setting("referrers", "*")).into_iter().collect()
    }

    /// Lets a publisher do it.
    pub fn allow(self, publisher: Publisher) -> Publisher {
        let publisher = publisher.cosign_tags(self.referrers).nondistributable(self.include_nondistributable);
        publisher.thorough(self.force_recursive)
    }
}
