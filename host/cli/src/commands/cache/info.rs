//! What the caches hold. It changes nothing, and creates no directory.

use std::path::{Path, PathBuf};

use anyhow::Context;
use refkit::{AotCache, aot};
use refkit_content::disk;
use refkit_report::cache::InfoReport;

use crate::caches;
use crate::directories::Directories;

/// Returns the report about a directory of content or, if the user names none, about the user's caches.
///
/// # Errors
/// The error of a cache that cannot be read.
pub async fn report(named: Option<&Path>, directories: &Directories) -> anyhow::Result<InfoReport> {
    let directory = caches::directory(named, directories)?;
    let content = match is_absent(&directory) {
        true => disk::Info::empty(std::path::absolute(directory)?, caches::LIMIT),
        false => caches::open(&directory).await?.info().await?,
    };
    let compiled = match &directories.compiled {
        _ if named.is_some() => None,
        Some(directory) if is_absent(directory) => Some(nothing_compiled(directory.clone())),
        _ => Some(compiled(&caches::compiled(directories)?)?),
    };
    Ok(InfoReport::of(&content, compiled.as_ref()))
}

/// Returns whether there is no cache in a directory: it does not exist, or nothing is in it. Opening it would create one.
fn is_absent(directory: &Path) -> bool {
    match directory.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

fn compiled(cache: &AotCache) -> anyhow::Result<aot::Info> {
    cache.info().with_context(|| format!("cannot look after {}", cache.directory().display()))
}

fn nothing_compiled(directory: PathBuf) -> aot::Info {
    let limit = caches::COMPILED_LIMIT;
    aot::Info { directory, limit, bytes: 0, entries: 0, newest_use: None, oldest_use: None, unfinished: 0 }
}
