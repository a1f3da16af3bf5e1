//! What the caches hold.

use std::path::Path;

use refkit::{AotCache, aot};
use refkit_content::disk;
use refkit_report::cache::InfoReport;

use super::Caches;
use crate::caches::{COMPILED_LIMIT, LIMIT};

/// Returns the report about the caches.
///
/// # Errors
/// The error of a cache that cannot be read.
pub async fn report(caches: &Caches) -> anyhow::Result<InfoReport> {
    let content = match caches.content().await? {
        Some(content) => content.info().await?,
        None => disk::Info::empty(caches.content.clone(), LIMIT),
    };
    let nothing = |directory: &Path| {
        let (directory, limit) = (directory.to_owned(), COMPILED_LIMIT);
        aot::Info { directory, limit, bytes: 0, entries: 0, newest_use: None, oldest_use: None, unfinished: 0 }
    };
    let compiled = caches.compiled(nothing, AotCache::info)?;
    Ok(InfoReport::of(&content, compiled.as_ref()))
}
