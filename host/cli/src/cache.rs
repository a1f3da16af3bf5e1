//! `refkit cache`: looks after content of registries and compiled policies.

mod prune;
mod report;

use std::io;

use refkit::{AotCache, ErrorCode, aot};
use refkit_content::{DiskCache, disk};
use refkit_report::units::Bytes;
use refkit_report::{Escaped, table};
use serde::Serialize;

use crate::answer::{Answer, Output};
use crate::arguments::{self, CacheCommand, Format};
use crate::cached;
use crate::failure::{Exit, Failure};
use crate::finished::json;
use crate::places::Places;
use crate::setup::plain;
use report::{FreedReport, InfoReport, VerifiedReport, count};

/// What is looked after.
struct Caches {
    content: DiskCache,
    /// None where the person names a directory: that is one of content.
    compiled: Option<AotCache>,
}

/// Looks after the cache.
///
/// # Errors
/// Where it cannot be used, or not be read or written.
pub async fn run(arguments: &arguments::Cache) -> Result<Answer, Failure> {
    let alone = arguments.alone();
    let places = Places::of_environment();
    let content = cached::open(&cached::directory(alone.directory.as_deref(), &places)?).await?;
    let compiled = if alone.directory.is_some() { None } else { Some(cached::compiled(&places)?) };
    let caches = Caches { content, compiled };
    match &arguments.command {
        CacheCommand::Info(_) => info(&caches, alone.format).await,
        CacheCommand::Prune(prune) => {
            let (freed, compiled) = prune::run(&caches, &prune.what).await?;
            let mut what = vec![count(freed.contents, "content")];
            what.extend(compiled.as_ref().map(|compiled| count(compiled.entries, "compiled policy")));
            let bytes = freed.bytes.saturating_add(compiled.as_ref().map_or(0, |compiled| compiled.bytes));
            let line = format!("freed {}: {}", Bytes(bytes), what.join(", "));
            Ok(answer(alone.format, vec![line], &FreedReport::of(&freed, compiled.as_ref()), Exit::Resolved))
        }
        CacheCommand::Verify(verify) => self::verify(&caches, verify.keep, alone.format).await,
    }
}

async fn info(caches: &Caches, format: Format) -> Result<Answer, Failure> {
    let info = caches.content.info().await.map_err(failed)?;
    let compiled =
        caches.compiled.as_ref().map(|compiled| compiled.info().map_err(|error| unreadable(compiled, &error)));
    let report = InfoReport::of(&info, compiled.transpose()?.as_ref());
    let mut lines = table(&report.rows());
    if let Some(compiled) = &report.compiled {
        lines.push(String::new());
        lines.extend(table(&compiled.rows()));
    }
    Ok(answer(format, lines, &report, Exit::Resolved))
}

async fn verify(caches: &Caches, keep: bool, format: Format) -> Result<Answer, Failure> {
    let content: disk::Checked = caches.content.verify(!keep).await.map_err(failed)?;
    let compiled = caches.compiled.as_ref();
    let compiled: Option<aot::Checked> =
        compiled.map(|compiled| compiled.verify(!keep).map_err(|error| unreadable(compiled, &error))).transpose()?;
    let mut lines: Vec<String> = content.wrong.iter().map(|wrong| Escaped(wrong).to_string()).collect();
    let mut read = vec![count(content.contents, "content")];
    let (mut bytes, mut removed) = (content.bytes, content.removed);
    if let (Some(checked), Some(cache)) = (&compiled, &caches.compiled) {
        let wrong = checked
            .wrong
            .iter()
            .map(|wrong| Escaped(cache.directory().join(&wrong.name).display()).to_string() + ": " + &wrong.what);
        lines.extend(wrong);
        read.push(count(checked.entries, "compiled policy"));
        bytes = bytes.saturating_add(checked.bytes);
        removed += checked.removed;
    }
    let wrong = lines.len();
    let read = format!("{}, {}", read.join(", "), Bytes(bytes));
    lines.push(match (wrong, keep) {
        (0, _) => format!("{read}: nothing is wrong"),
        (wrong, true) => format!("{read}: {wrong} wrong, and left there"),
        (wrong, false) => format!("{read}: {wrong} wrong, {removed} removed"),
    });
    // What was removed is fetched or compiled again when it is wanted; what was left is still wrong.
    let exit = if wrong == 0 { Exit::Resolved } else { Exit::Failed };
    Ok(answer(format, lines, &VerifiedReport::of(&content, compiled.as_ref()), exit))
}

fn failed(error: refkit_content::Error) -> Failure {
    let error = refkit::Error::from(error);
    Failure::failed(error.code(), &error)
}

fn unreadable(compiled: &AotCache, error: &io::Error) -> Failure {
    let directory = compiled.directory().display();
    Failure::failed(ErrorCode::Other, format_args!("cannot look after {directory}: {}", plain(error)))
}

fn answer(format: Format, lines: Vec<String>, report: &impl Serialize, exit: Exit) -> Answer {
    let lines = match format {
        Format::Text => lines,
        Format::Json => json(report),
    };
    Answer { output: Output::Lines(lines), messages: Vec::new(), exit }
}
