//! `refkit cache`: manages the content of registries and the compiled policies.

mod info;
mod opened;
mod prune;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use refkit_content::disk::Checked;
use refkit_report::cache::{FreedReport, VerifiedReport};
use refkit_report::{json, table};
use serde::Serialize;

use super::{Run, Running};
use crate::arguments::Format;
use crate::directories::Directories;
use crate::exit::Exit;
use crate::output::{Output, Stdout};
use opened::Caches;

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
        let caches = Caches::of(alone.directory.as_deref(), &Directories::of_environment())?;
        let output = match &self.command {
            CacheCommand::Info(_) => info(&caches, alone.format).await,
            CacheCommand::Prune(prune) => self::prune(&caches, &prune.what, alone.format).await,
            CacheCommand::Verify(verify) => self::verify(&caches, verify.keep, alone.format).await,
        };
        Ok(Output { messages: caches.note().into_iter().collect(), ..output? })
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

async fn info(caches: &Caches, format: Format) -> anyhow::Result<Output> {
    let report = info::report(caches).await?;
    let mut lines = table(&report.rows());
    if let Some(compiled) = &report.compiled {
        lines.push(String::new());
        lines.extend(table(&compiled.rows()));
    }
    Ok(output(format, lines, &report, Exit::Resolved))
}

async fn prune(caches: &Caches, what: &PruneWhat, format: Format) -> anyhow::Result<Output> {
    let (freed, compiled) = prune::run(caches, what).await?;
    let report = FreedReport::of(&freed, compiled.as_ref());
    Ok(output(format, vec![report.line()], &report, Exit::Resolved))
}

async fn verify(caches: &Caches, keep: bool, format: Format) -> anyhow::Result<Output> {
    let content = match caches.content().await? {
        Some(content) => content.verify(!keep).await?,
        None => Checked::default(),
    };
    let compiled = caches.compiled(|_| Default::default(), |cache| cache.verify(!keep))?;
    let report = VerifiedReport::of(&content, compiled.as_ref().zip(caches.compiled.as_deref()));
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
