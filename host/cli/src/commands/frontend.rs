//! `refkit frontend image`: puts policies in front of a BuildKit frontend, and lists those of an image. The recipe is
//! [`refkit_images::frontend`]; this command loads, compiles and checks the policies.

mod check;
mod failure;
mod inspect;
mod left_out;
mod make;
mod policies;
mod programs;
mod report;
mod shipped;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use refkit::settings::Assignment;
use refkit_oci::pattern::Pattern;

use super::{Run, Running};
use crate::arguments::{Compiling, Format, Registries};
use crate::directories::Directories;
use crate::progress::ProgressArguments;

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
        Box::pin(async {
            let directories = Directories::of_environment();
            if image.check { check::run(image, &directories).await } else { make::run(image, &directories).await }
        })
    }
}

/// The commands about frontends.
#[derive(Debug, Subcommand)]
enum FrontendCommand {
    /// Makes an image of a BuildKit frontend that ships policies, or prints what such an image ships.
    ///
    /// The image gets one more layer: the program refkit-frontend and the policies, with their code compiled ahead of
    /// time. Its entrypoint runs BASE's own behind them. The same arguments make the same bytes.
    #[command(after_help = FRONTEND)]
    Image(FrontendImage),
}

/// Arguments that make an image.
const OF_AN_IMAGE: [&str; 9] =
    ["policies", "settings", "grants", "allow_policy", "binaries", "tag", "output", "progress", "quiet"];

const FRONTEND: &str = "\
BASE and DEST are written as REF of the other commands: a registry's reference, or a layout's. Every platform of BASE
for which there is a program is made; the others, and attestations, which describe BASE, are left out.

The settings are written into the image, for everybody to read.

Exit codes: 0 done, 1 failed, or with --check: it ships no policies, ones that cannot run, or a layer that cannot be
followed; 2 usage.";

/// Arguments of `refkit frontend image`.
#[derive(Debug, Args)]
pub struct FrontendImage {
    /// The image of a frontend, such as docker/dockerfile:1; with --check, the image to check.
    #[arg(value_name = "BASE")]
    pub base: String,
    /// A policy, a WebAssembly component. The first one is outermost; RefKit's default policy is always the last.
    /// Without any, the default policy decides alone.
    #[arg(long = "policy", value_name = "FILE")]
    pub policies: Vec<PathBuf>,
    /// A setting, for the only policy that has one of that name. POLICY.NAME=VALUE selects the policy, by its name or
    /// by its position in the chain, from 1.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories that the policies may read besides the one of the requested image, such as ghcr.io/example/*.
    #[arg(long = "grant", value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
    /// The sources from which a build may add a policy, which runs after those of the image; by default, none.
    #[arg(long = "allow-policy", value_name = "WHERE", value_enum)]
    pub allow_policy: Vec<PolicySource>,
    /// A static refkit-frontend; RefKit reads its platform from the file. By default, the files beside refkit:
    /// refkit-frontend and refkit-frontend-linux-ARCH.
    #[arg(long = "binary", value_name = "FILE")]
    pub binaries: Vec<PathBuf>,
    /// The destination: a reference with a tag.
    #[arg(short, long, value_name = "DEST", required_unless_present_any = ["output", "check"])]
    pub tag: Option<String>,
    /// A layout directory, PATH[:TAG], as the destination.
    #[arg(short, long, value_name = "LAYOUT", conflicts_with = "tag")]
    pub output: Option<String>,
    /// Prints the image's policies and their imports, and checks the image's label and compiled code.
    #[arg(long, conflicts_with_all = OF_AN_IMAGE)]
    pub check: bool,
    #[command(flatten)]
    pub compiling: Compiling,
    #[command(flatten)]
    pub registries: Registries,
    #[command(flatten)]
    pub progress: ProgressArguments,
    /// How the command prints its output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A source of a build's policy. The names are those of refkit-frontend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicySource {
    /// --build-arg REFKIT_POLICY=docker-image://REPOSITORY@DIGEST
    BuildArg,
    /// --build-context refkit-policy=…
    Context,
}
