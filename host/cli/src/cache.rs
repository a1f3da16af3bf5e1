//! `refkit cache`.

mod report;

use refkit::text::{Bytes, Escaped, table};
use refkit_content::disk::Prune;
use serde::Serialize;

use crate::answer::{Answer, Output};
use crate::arguments::{self, CacheCommand, Format};
use crate::cached;
use crate::failure::{Exit, Failure};
use crate::finished::json;
use crate::places::Places;
use report::{FreedReport, InfoReport, VerifiedReport};

/// Looks after the cache.
///
/// # Errors
/// Where it cannot be used, or not be read or written.
pub async fn run(arguments: &arguments::Cache) -> Result<Answer, Failure> {
    let alone = arguments.alone();
    let directory = cached::directory(alone.directory.as_deref(), &Places::of_environment())?;
    let cache = cached::open(&directory).await?;
    let failed = |error: refkit_content::Error| {
        let error = refkit::Error::from(error);
        Failure::failed(error.code(), &error)
    };
    match &arguments.command {
        CacheCommand::Info(_) => {
            let info = cache.info().await.map_err(failed)?;
            let report = InfoReport::of(&info);
            Ok(answer(alone.format, table(&report.rows()), &report, Exit::Resolved))
        }
        CacheCommand::Prune(prune) => {
            let what = match (&prune.what.to, &prune.what.unused_for) {
                (Some(size), _) => Prune::To(*size),
                (_, Some(time)) => Prune::Unused(*time),
                (None, None) => Prune::All,
            };
            let freed = cache.prune(what).await.map_err(failed)?;
            let line = format!("freed {}: {}", Bytes(freed.bytes), report::count(freed.contents, "content"));
            Ok(answer(alone.format, vec![line], &FreedReport::of(&freed), Exit::Resolved))
        }
        CacheCommand::Verify(verify) => {
            let checked = cache.verify(!verify.keep).await.map_err(failed)?;
            let mut lines: Vec<String> = checked.wrong.iter().map(|wrong| Escaped(wrong).to_string()).collect();
            let read = format!("{}, {}", report::count(checked.contents, "content"), Bytes(checked.bytes));
            lines.push(match (checked.wrong.len(), verify.keep) {
                (0, _) => format!("{read}: nothing is wrong"),
                (wrong, true) => format!("{read}: {wrong} wrong, and left there"),
                (wrong, false) => format!("{read}: {wrong} wrong, {} removed", checked.removed),
            });
            // What was removed is fetched again when it is wanted; what was left is still wrong.
            let exit = if checked.wrong.is_empty() { Exit::Resolved } else { Exit::Failed };
            Ok(answer(alone.format, lines, &VerifiedReport::of(&checked), exit))
        }
    }
}

fn answer(format: Format, lines: Vec<String>, report: &impl Serialize, exit: Exit) -> Answer {
    let lines = match format {
        Format::Text => lines,
        Format::Json => json(report),
    };
    Answer { output: Output::Lines(lines), messages: Vec::new(), exit }
}
