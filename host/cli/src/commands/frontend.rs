//! `refkit frontend`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use refkit::settings::Assignment;
use refkit_oci::pattern::Pattern;

use super::{Run, Running};
use crate::arguments::{Compiling, Format, Registries};

/// Arguments of `refkit frontend`.
#[derive(Debug, Args)]
pub struct Frontend {
    /// The command.
    #[command(subcommand)]
    command: FrontendCommand,
}

impl Run for Frontend {
    fn subject(&self) -> &str {
        let FrontendCommand::Image(image) = &self.command;
        &image.base
    }

    fn format(&self) -> Format {
        let FrontendCommand::Image(image) = &self.command;
        image.format
    }

    fn run(&self) -> Running<'_> {
        let FrontendCommand::Image(image) = &self.command;
        Box::pin(async { Ok(crate::frontend::run(image).await?) })
    }
}

/// The commands about frontends.
#[derive(Debug, Subcommand)]
enum FrontendCommand {
    /// Makes of a BuildKit frontend's image one that ships its policies, or says what such an image ships.
    ///
    /// The image gets one layer more: the program refkit-frontend and the policies, with their code compiled ahead of
    /// time. Its entrypoint runs BASE's own behind them. The same arguments make the same bytes.
    #[command(after_help = FRONTEND)]
    Image(FrontendImage),
}

/// Arguments that make an image.
const OF_AN_IMAGE: [&str; 7] = ["policies", "settings", "grants", "allow_policy", "binaries", "tag", "output"];

const FRONTEND: &str = "\
BASE and DEST are written as REF of the other commands: a registry's reference, or a layout's. Every platform of BASE
for which there is a program is made; the others, and attestations, which describe BASE, are left out.

The settings are written into the image, for everybody to read.

Exit codes: 0 done, 1 failed, or with --check: it ships no policies, ones that cannot run, or a layer that cannot be
followed; 2 usage.";

/// Arguments of `refkit frontend image`.
#[derive(Debug, Args)]
pub struct FrontendImage {
    /// The image of a frontend, such as docker/dockerfile:1; with --check, the image to look at.
    #[arg(value_name = "BASE")]
    pub base: String,
    /// A policy, a WebAssembly component; the first one is asked first, RefKit's default policy last. Without any, the
    /// default policy decides alone.
    #[arg(long = "policy", value_name = "FILE")]
    pub policies: Vec<PathBuf>,
    /// A setting, of the only policy that has one of that name. POLICY.NAME=VALUE says which policy is meant, by its
    /// name or by its place in the chain, from 1.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories that the policies may read besides that of the image in question, such as ghcr.io/example/*.
    #[arg(long = "grant", value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
    /// Where a build may bring a policy of its own from, which is asked after those of the image; by default, from
    /// nowhere.
    #[arg(long = "allow-policy", value_name = "WHERE", value_enum)]
    pub allow_policy: Vec<PolicySource>,
    /// A static refkit-frontend; its platform is read from it. Without this, those beside refkit are taken:
    /// refkit-frontend and refkit-frontend-linux-ARCH.
    #[arg(long = "binary", value_name = "FILE")]
    pub binaries: Vec<PathBuf>,
    /// Where the image goes: a reference with a tag.
    #[arg(short, long, value_name = "DEST", required_unless_present_any = ["output", "check"])]
    pub tag: Option<String>,
    /// A layout directory, PATH[:TAG], that the image goes to instead.
    #[arg(short, long, value_name = "LAYOUT", conflicts_with = "tag")]
    pub output: Option<String>,
    /// Says which policies the image carries, what they import, and where what it says of itself is not so.
    #[arg(long, conflicts_with_all = OF_AN_IMAGE)]
    pub check: bool,
    #[command(flatten)]
    pub compiling: Compiling,
    #[command(flatten)]
    pub registries: Registries,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Where a build may bring a policy from. The names are those that refkit-frontend has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicySource {
    /// --build-arg REFKIT_POLICY=docker-image://REPOSITORY@DIGEST
    BuildArg,
    /// --build-context refkit-policy=…
    Context,
}
