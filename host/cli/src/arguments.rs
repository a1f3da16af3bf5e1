//! What a person writes on the command line.

mod registries;
mod units;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use refkit_oci::Platform;
use refkit_oci::pattern::Pattern;

use refkit::settings::Assignment;
pub use registries::{Cache, CacheCommand, Caching, Hosts, PruneWhat, Pull, Registries};
use units::{size, time};

/// Resolves container image references the way you decide.
#[derive(Debug, Parser)]
#[command(name = "refkit", version, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 resolved, 1 failed, 2 usage, 3 denied by a policy.";

const REFERENCE: &str = "\
REF is one of
  REGISTRY/REPOSITORY[:TAG][@DIGEST]    with Docker's defaults: alpine is docker.io/library/alpine:latest
  oci-layout:PATH[:TAG][@DIGEST]        an image layout: a directory, or a tar archive that is not compressed
  PATH[:TAG][@DIGEST]                   the same, where PATH begins with /, ./ or ../, or ends in .tar
A layout with one image, or one called latest, needs neither TAG nor DIGEST.

Exit codes: 0 resolved, 1 failed, 2 usage, 3 denied by a policy.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints what a reference names now, pinned by its digest.
    ///
    /// Without --platform and --all-platforms that is the index, or the manifest where there is no index. With one
    /// --platform it is the manifest of that platform, with more or with --all-platforms a line for each.
    #[command(after_help = REFERENCE)]
    Resolve(Resolve),
    /// Prints what an image is: its index, its manifests with their platforms and sizes, and what is said about them.
    ///
    /// --raw, --index, --manifest and --config print the exact bytes of one document instead.
    #[command(after_help = REFERENCE)]
    Inspect(Inspect),
    /// Prints which hosts would be asked for an image, in order, with which settings and from which file.
    Hosts(Hosts),
    /// Looks after what is kept of registries.
    Cache(Cache),
    /// Puts policies in front of BuildKit's frontends.
    Frontend(Frontend),
    /// Compiles the default policy ahead of time, and leaves the code beside this program.
    #[command(hide = true)]
    Precompile,
}

impl Command {
    /// Returns what is asked for.
    pub fn requested(&self) -> &str {
        match self {
            Self::Resolve(resolve) => &resolve.target.reference,
            Self::Inspect(inspect) => &inspect.target.reference,
            Self::Hosts(hosts) => &hosts.reference,
            Self::Cache(_) => "the cache",
            Self::Precompile => "the default policy",
            Self::Frontend(Frontend { command: FrontendCommand::Image(image) }) => &image.base,
        }
    }

    /// Returns how the answer is printed.
    pub fn format(&self) -> Format {
        match self {
            Self::Resolve(resolve) => resolve.output.format,
            Self::Inspect(inspect) => inspect.output.format,
            Self::Hosts(hosts) => hosts.format,
            Self::Cache(cache) => cache.alone().format,
            Self::Precompile => Format::Text,
            Self::Frontend(Frontend { command: FrontendCommand::Image(image) }) => image.format,
        }
    }
}

/// Arguments of `refkit resolve`.
#[derive(Debug, Args)]
pub struct Resolve {
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub policies: Policies,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `refkit inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub target: Target,
    /// Lists the layers of every manifest.
    #[arg(long)]
    pub layers: bool,
    /// Asks for attestations that the index does not list as well: the referrers of each manifest.
    #[arg(long)]
    pub attestations: bool,
    #[command(flatten)]
    pub level: LevelFlags,
    #[command(flatten)]
    pub policies: Policies,
    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `refkit frontend`.
#[derive(Debug, Args)]
pub struct Frontend {
    /// What to do.
    #[command(subcommand)]
    pub command: FrontendCommand,
}

/// The commands for frontends.
#[derive(Debug, Subcommand)]
pub enum FrontendCommand {
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

/// What is asked for.
#[derive(Debug, Args)]
pub struct Target {
    /// The image.
    #[arg(value_name = "REF")]
    pub reference: String,
    /// The image for this platform, such as linux/arm64 or linux/arm/v7; may be given more than once.
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub platforms: Vec<Platform>,
    /// The images for all platforms.
    #[arg(long, conflicts_with = "platforms")]
    pub all_platforms: bool,
    #[command(flatten)]
    pub registries: Registries,
    #[command(flatten)]
    pub caching: Caching,
}

/// Which document's exact bytes are wanted, for one --platform: by default, this machine's on Linux.
#[derive(Debug, Args)]
#[group(multiple = false, conflicts_with_all = ["all_platforms", "layers", "attestations", "format"])]
pub struct LevelFlags {
    /// Prints the exact bytes of what REF names, the index or the manifest, and nothing else.
    #[arg(long)]
    pub raw: bool,
    /// Prints the exact bytes of the index that lists the platform's manifest, and nothing else.
    #[arg(long)]
    pub index: bool,
    /// Prints the exact bytes of the platform's manifest, and nothing else.
    #[arg(long)]
    pub manifest: bool,
    /// Prints the exact bytes of the platform's config, and nothing else.
    #[arg(long)]
    pub config: bool,
}

/// A document of which the exact bytes are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What the reference names.
    Root,
    /// The index that lists the platform's manifest.
    Index,
    /// The platform's manifest.
    Manifest,
    /// The platform's config.
    Config,
}

impl LevelFlags {
    /// Returns the one that is wanted, if one is.
    pub fn wanted(&self) -> Option<Level> {
        let flags = [
            (self.raw, Level::Root),
            (self.index, Level::Index),
            (self.manifest, Level::Manifest),
            (self.config, Level::Config),
        ];
        flags.into_iter().find_map(|(set, level)| set.then_some(level))
    }
}

/// Who decides, and what they may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub struct Policies {
    /// A policy, a WebAssembly component; the first one is asked first, RefKit's default policy last.
    #[arg(long = "policy", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A setting, of the only policy that has one of that name. POLICY.NAME=VALUE says which policy is meant, by its
    /// name or by its place in the chain, from 1.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories that policies may read besides that of REF, such as ghcr.io/example/*.
    #[arg(long = "grant", value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
    #[command(flatten)]
    pub compiling: Compiling,
}

/// Within which limits policies from files are compiled.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policies")]
pub struct Compiling {
    /// The most processor time that compiling one policy may take, such as 5m; 60s without this. A compiled policy is
    /// kept for the next time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub compile_time: Option<Duration>,
    /// The most memory that compiling one policy may take, such as 2G; 1G without this.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub compile_memory: Option<u64>,
}

/// How the answer is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Says on standard error what each policy asked and was told, by whom, how long it took, which images were passed
    /// over and why, and what was used of every limit. With --format json it is part of that.
    #[arg(long)]
    pub explain: bool,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}
