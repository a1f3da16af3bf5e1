//! The command line, and the groups of arguments that several commands share. Each command's own arguments are in its
//! file.

mod limits;
mod publishing;
mod registries;
mod server;
mod units;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, ValueEnum};
use refkit::settings::Assignment;
use refkit_oci::Platform;
use refkit_oci::pattern::Pattern;

use crate::commands::Command;
pub use limits::Limit;
pub use publishing::{Along, PublishOptions, Publishing};
pub use registries::{Caching, Pull, Registries};
pub use server::Server;
pub use units::{size, time};

/// The help about exit codes.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0  the answer is complete, or everything is done
  1  failed: a registry, a file or a policy has not given what was asked for
  2  usage: an argument or an option is wrong, or a policy refuses its settings
     or the request before it asks a registry
  3  denied by a policy
  130, 143  stopped by SIGINT (Ctrl-C) or SIGTERM"
    };
}

/// Resolves container image references the way you decide.
#[derive(Debug, Parser)]
#[command(name = "refkit", version, disable_help_subcommand = true, after_help = exit_codes!())]
pub struct Arguments {
    /// Logs to standard error; -vv adds requests and the cache, -vvv everything.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The help about references, below the commands that take one.
pub const REFERENCE: &str = concat!(
    "\
REF is one of
  REGISTRY/REPOSITORY[:TAG][@DIGEST]    with Docker's defaults: alpine is docker.io/library/alpine:latest
  oci-layout:PATH[:TAG][@DIGEST]        an image layout: a directory, or a tar archive that is not compressed
  PATH[:TAG][@DIGEST]                   the same, where PATH begins with /, ./ or ../, or ends in .tar
A layout with one image, or one called latest, needs neither TAG nor DIGEST.

",
    exit_codes!()
);

/// The help about locks.
pub const LOCK: &str = concat!(
    "\
Of a Dockerfile, all images are locked that FROM, COPY --from, RUN --mount=from
and # syntax= name, with ARGs replaced as a build does.

",
    exit_codes!()
);

/// The image of a request.
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
    pub server: Server,
    #[command(flatten)]
    pub caching: Caching,
}

/// The policies of a run, with their settings and grants.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
pub struct Policies {
    /// A policy, a WebAssembly component. The first one is outermost; RefKit's default policy is always the last.
    #[arg(long = "policy", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A setting, for the only policy that has one of that name. POLICY.NAME=VALUE selects the policy, by its name or
    /// by its position in the chain, from 1.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories that policies may read besides the one of REF, such as ghcr.io/example/*.
    #[arg(long = "grant", value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
    /// A limit of the run: calls, bytes, content, time, cpu, memory, held, depth or messages, such as calls=5000, time=10m
    /// or held=256M. --explain shows how much of each was used.
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub limits: Vec<Limit>,
    #[command(flatten)]
    pub compiling: Compiling,
}

/// The limits of compiling policies from files.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policies")]
pub struct Compiling {
    /// The most processor time for compiling one policy, such as 5m; 60s by default. RefKit keeps the compiled policy
    /// for later runs.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub compile_time: Option<Duration>,
    /// The most memory for compiling one policy, such as 2G; 1G by default.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub compile_memory: Option<u64>,
}

/// How the command prints its output.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct Printing {
    /// Explains the run on standard error: each call of each policy with its answer, source and time, each image that
    /// was not selected and why, and how much of each limit was used. With --format json the explanation is part of
    /// the JSON.
    #[arg(long)]
    pub explain: bool,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use clap::CommandFactory as _;

    use super::*;

    /// Two arguments of one id would share their values.
    #[test]
    fn every_argument_has_an_id_of_its_own() {
        let mut commands = vec![Arguments::command()];
        let mut met = 0;
        while let Some(command) = commands.pop() {
            let mut ids = HashSet::new();
            for argument in command.get_arguments() {
                assert!(ids.insert(argument.get_id().clone()), "{}: {}", command.get_name(), argument.get_id());
                met += 1;
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(met > 50, "{met}");
    }
}
