//! `refkit cache`: manages the content of registries and the compiled policies.

mod info;
mod prune;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use refkit::AotCache;
use refkit_content::DiskCache;
use refkit_report::cache::{FreedReport, InfoReport, VerifiedReport};
use refkit_report::{json, table};
use serde::Serialize;

use super::{Run, Running};
use crate::arguments::Format;
use crate::caches;
use crate::directories::Directories;
use crate::exit::Exit;
use crate::output::{Output, Stdout};

/// Arguments of `refkit cache`.
#[derive(Debug, Args)]
pub struct Cache {
    /// The command.
    #[command(subcommand)]
    command: CacheCommand,
}

impl Cache {
    async fn look_after(&self) -> anyhow::Result<Output> {
        let alone = self.alone();
        let directories = Directories::of_environment();
        match &self.command {
            CacheCommand::Info(_) => {
                let report = info::report(alone.directory.as_deref(), &directories).await?;
                Ok(info(&report, alone.format))
            }
            CacheCommand::Prune(prune) => self::prune(&self.open(&directories).await?, &prune.what, alone.format).await,
            CacheCommand::Verify(verify) => {
                self::verify(&self.open(&directories).await?, verify.keep, alone.format).await
            }
        }
    }

    /// Opens the caches, and creates those that are absent.
    async fn open(&self, directories: &Directories) -> anyhow::Result<Caches> {
        let named = self.alone().directory.as_deref();
        let content = caches::open(&caches::directory(named, directories)?).await?;
        let compiled = if named.is_some() { None } else { Some(caches::compiled(directories)?) };
        Ok(Caches { content, compiled })
    }

    /// Returns the arguments that all commands have.
    fn alone(&self) -> &CacheAlone {
        match &self.command {
            CacheCommand::Info(alone) => alone,
            CacheCommand::Prune(prune) => &prune.cache,
            CacheCommand::Verify(verify) => &verify.cache,
        }
    }
}

impl Run for Cache {
    fn subject(&self) -> &str {
        "the cache"
    }

    fn format(&self) -> Format {
        self.alone().format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.look_after())
    }
}

/// The commands about the cache.
#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// Prints where the caches are and how full they are.
    Info(CacheAlone),
    /// Removes the selected content and compiled policies, and unfinished files.
    Prune(CachePrune),
    /// Checks every file, and removes damaged ones.
    Verify(CacheVerify),
}

/// The cache, and how the output is printed.
#[derive(Debug, Args)]
struct CacheAlone {
    /// A directory of content; by default, the user's caches of content and of compiled policies.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// How the command prints its output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Arguments of `refkit cache prune`.
#[derive(Debug, Args)]
struct CachePrune {
    #[command(flatten)]
    what: PruneWhat,
    #[command(flatten)]
    cache: CacheAlone,
}

/// What `refkit cache prune` removes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PruneWhat {
    /// Everything.
    #[arg(long)]
    pub all: bool,
    /// The least recently used, until no more is left than this: bytes, or a number with K, M or G.
    #[arg(long, value_name = "SIZE", value_parser = crate::arguments::size)]
    pub to: Option<u64>,
    /// Everything that was not used for this time: a number with s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = crate::arguments::time)]
    pub unused_for: Option<std::time::Duration>,
}

/// Arguments of `refkit cache verify`.
#[derive(Debug, Args)]
struct CacheVerify {
    /// Reports damaged files, and keeps them.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    cache: CacheAlone,
}

/// The caches of a command.
struct Caches {
    content: DiskCache,
    /// None if the user names a directory, which is one of content.
    compiled: Option<AotCache>,
}

impl Caches {
    /// Runs a function on the cache of compiled policies, if there is one.
    fn compiled<T>(&self, read: impl FnOnce(&AotCache) -> std::io::Result<T>) -> anyhow::Result<Option<T>> {
        let Some(compiled) = &self.compiled else { return Ok(None) };
        let read = read(compiled).with_context(|| format!("cannot look after {}", compiled.directory().display()))?;
        Ok(Some(read))
    }
}

fn info(report: &InfoReport, format: Format) -> Output {
    let mut lines = table(&report.rows());
    if let Some(compiled) = &report.compiled {
        lines.push(String::new());
        lines.extend(table(&compiled.rows()));
    }
    output(format, lines, report, Exit::Resolved)
}

async fn prune(caches: &Caches, what: &PruneWhat, format: Format) -> anyhow::Result<Output> {
    let (freed, compiled) = prune::run(caches, what).await?;
    let report = FreedReport::of(&freed, compiled.as_ref());
    Ok(output(format, vec![report.line()], &report, Exit::Resolved))
}

async fn verify(caches: &Caches, keep: bool, format: Format) -> anyhow::Result<Output> {
    let content = caches.content.verify(!keep).await?;
    let compiled = caches.compiled(|cache| cache.verify(!keep))?;
    let directory = caches.compiled.as_ref().map(AotCache::directory);
    let report = VerifiedReport::of(&content, compiled.as_ref().zip(directory));
    // A removed entry is fetched or compiled again when a command needs it. A kept entry is still damaged.
    let exit = if report.is_clean() { Exit::Resolved } else { Exit::Failed };
    Ok(output(format, report.lines(keep), &report, exit))
}

fn output(format: Format, lines: Vec<String>, report: &impl Serialize, exit: Exit) -> Output {
    let lines = match format {
        Format::Text => lines,
        Format::Json => json::lines(report),
    };
    Output { stdout: Stdout::Lines(lines), messages: Vec::new(), exit }
}
