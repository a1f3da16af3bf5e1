//! `refkit lock`.

mod file;
mod offline;
mod prepared;
mod verify;
mod wanted;
mod write;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use refkit::lock::Lock as LockFile;
use refkit_buildkit::source_policy::{Rules, identifier, to_json};
use refkit_oci::Platform;
use refkit_report::LockOutput;

use super::{Run, Running};
use crate::arguments::{Format, Policies, Registries};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, Stdout};

/// Arguments of `refkit lock`.
#[derive(Debug, Args)]
pub struct Lock {
    /// Images, and Dockerfiles, whose images are meant: a name that is no reference, or begins with /, ./ or ../, is a
    /// file, or a directory with a Dockerfile.
    #[arg(value_name = "REF|DOCKERFILE")]
    sources: Vec<String>,
    /// The platform that is built for, such as linux/arm64; may be given more than once. Without it, this machine's on
    /// Linux.
    #[arg(long = "platform", value_name = "PLATFORM")]
    platforms: Vec<Platform>,
    /// A build argument, for the ARGs before the first FROM.
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_args: Vec<String>,
    /// Locks what this stage of a Dockerfile needs, in place of what all stages need.
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// The lock.
    #[arg(short = 'o', long = "output", value_name = "FILE", default_value = "refkit.lock")]
    lock: PathBuf,
    /// Keeps in this directory what --offline needs: the observations, manifests, indexes and configs of the runs.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Asks the registries again, and prints what moved since the lock was written: exit code 1. With images or
    /// Dockerfiles, it also prints what the lock lacks of them.
    #[arg(long)]
    verify: bool,
    /// Replays the lock from the directory of --record, and sends no request.
    #[arg(long, requires = "record", conflicts_with = "verify")]
    offline: bool,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    registries: Registries,
    /// Neither reads nor writes the caches of content and of compiled policies.
    #[arg(long, help_heading = "Cache")]
    no_cache: bool,
    /// The format of the output.
    #[arg(long, value_enum, default_value_t = LockFormat::Text, help_heading = "Output")]
    format: LockFormat,
    /// With --format buildkit: lets a build read images that are not in the lock. Without it, BuildKit denies them.
    #[arg(long, help_heading = "Output")]
    allow_others: bool,
}

/// A format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LockFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// The source policy for `buildctl build --source-policy-file`, and for docker buildx in
    /// EXPERIMENTAL_BUILDKIT_SOURCE_POLICY.
    Buildkit,
}

impl Run for Lock {
    fn subject(&self) -> &str {
        self.sources.first().map_or("", String::as_str)
    }

    fn format(&self) -> Format {
        match self.format {
            LockFormat::Json => Format::Json,
            LockFormat::Text | LockFormat::Buildkit => Format::Text,
        }
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.lock())
    }
}

impl Lock {
    async fn lock(&self) -> anyhow::Result<Output> {
        if self.allow_others && self.format != LockFormat::Buildkit {
            return Err(CommandError::usage("--allow-others is for --format buildkit").into());
        }
        match (self.record.as_deref().filter(|_| self.offline), self.verify, &self.sources[..]) {
            (Some(record), ..) => self.replay(record).await,
            (None, true, _) => self.verify().await,
            (None, false, []) if self.format == LockFormat::Buildkit => self.source_policy(&file::read(&self.lock)?),
            (None, false, []) => {
                let usage = CommandError::usage("there is nothing to lock");
                Err(usage.hint("name an image or a Dockerfile; --verify reads the lock").into())
            }
            (None, false, _) => self.write().await,
        }
    }

    fn record(&self) -> Option<&Path> {
        self.record.as_deref()
    }

    /// Returns the grants of the policies, as the lock has them.
    fn grants(&self) -> impl Iterator<Item = String> {
        self.policies.grants.iter().map(ToString::to_string)
    }

    /// Returns the output; `lock` is what a source policy is made of.
    fn output(&self, output: LockOutput, lock: Option<&LockFile>) -> anyhow::Result<Output> {
        let exit = Exit::from(output.status());
        let lines = match (self.format, lock) {
            (LockFormat::Buildkit, Some(lock)) if exit == Exit::Resolved => {
                let mut policy = self.source_policy(lock)?;
                policy.messages.extend(output.messages);
                return Ok(policy);
            }
            (LockFormat::Json, _) => output.json(),
            _ => output.lines,
        };
        Ok(Output { stdout: Stdout::Lines(lines), messages: output.messages, exit })
    }

    /// Returns the source policy of a lock.
    fn source_policy(&self, lock: &LockFile) -> anyhow::Result<Output> {
        let mut rules = if self.allow_others { Rules::new().allow_others() } else { Rules::new() };
        for entry in lock.entries() {
            let pinned = format!("docker-image://{}", entry.pinned);
            let names = entry.written.iter().map(String::as_str);
            for name in names.filter_map(identifier).chain([format!("docker-image://{}", entry.reference)]) {
                rules.convert(&name, &pinned);
            }
        }
        let policy = to_json(&rules.policy()?);
        Ok(Output { stdout: Stdout::Exact(policy.into_bytes()), messages: Vec::new(), exit: Exit::Resolved })
    }
}
