//! The user's caches: the content of registries, and compiled policies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use refkit::{AotCache, ErrorCode};
use refkit_content::cache::{CacheOptions, Pull as WhenPulled};
use refkit_content::{Cached, DiskCache, Principal, Source};

use crate::arguments::{Caching, Pull};
use crate::directories::Directories;
use crate::error::CommandError;

/// The most bytes of content that the cache keeps: 1 GiB, which is tens of thousands of images without their layers.
pub const LIMIT: u64 = 1 << 30;

/// The most bytes of compiled policies that the cache keeps: 512 MiB, which is fifteen in Python, or two thousand in Rust.
pub const COMPILED_LIMIT: u64 = 512 << 20;

/// A source behind the cache, and the cache itself unless the command uses none.
pub struct Behind {
    /// The source of content.
    pub source: Arc<dyn Source>,
    /// The cache that keeps the source's content.
    pub cache: Option<DiskCache>,
}

/// Returns the client behind the cache.
///
/// # Errors
/// The error of a cache that cannot be opened, if no registry may be asked instead.
pub async fn behind<S: Source + Principal + 'static>(
    client: S,
    caching: &Caching,
    directories: &Directories,
    notes: &mut Vec<String>,
) -> anyhow::Result<Behind> {
    if caching.no_cache {
        return Ok(Behind { source: Arc::new(client), cache: None });
    }
    let opened = match directory(None, directories) {
        Ok(directory) => open(&directory).await,
        Err(error) => Err(error),
    };
    let pull = match caching.pull {
        Pull::Default => WhenPulled::Default,
        Pull::Always => WhenPulled::Always,
        Pull::Never => WhenPulled::Never,
    };
    let (offline, stale_if_error) = (caching.offline, caching.stale_if_error);
    let options = CacheOptions::default().pull(pull).offline(offline).stale_if_error(stale_if_error);
    match opened {
        Ok(cache) => {
            let source = Arc::new(Cached::on_disk(client, cache.clone(), options));
            Ok(Behind { source, cache: Some(cache) })
        }
        Err(error) if offline || pull == WhenPulled::Never => Err(error),
        Err(error) => {
            notes.push(format!("content of registries is not kept: {}", CommandError::of(&error)));
            Ok(Behind { source: Arc::new(client), cache: None })
        }
    }
}

/// Returns the directory of the cache.
///
/// # Errors
/// An error if neither the user nor the environment names one.
pub fn directory(named: Option<&Path>, directories: &Directories) -> anyhow::Result<PathBuf> {
    let directory = named.map(Path::to_owned).or_else(|| directories.content.clone());
    directory.context("there is no cache: neither XDG_CACHE_HOME nor HOME names a directory")
}

/// Opens the user's cache of compiled policies.
///
/// # Errors
/// The error for no directory, or for one that other users can write to.
pub fn compiled(directories: &Directories) -> Result<AotCache, CommandError> {
    let Some(directory) = &directories.compiled else {
        return Err(CommandError::failed(ErrorCode::Other, "neither XDG_CACHE_HOME nor HOME names a directory"));
    };
    open_compiled(directory)
}

/// Opens a cache of compiled policies.
///
/// # Errors
/// The error for a directory that other users can write to.
pub fn open_compiled(directory: &Path) -> Result<AotCache, CommandError> {
    let opened = AotCache::open(directory, COMPILED_LIMIT);
    Ok(opened.with_context(|| format!("cannot open {}", directory.display()))?)
}

/// Opens the cache.
///
/// # Errors
/// The error for something else than a directory, or one that other users can use.
pub async fn open(directory: &Path) -> anyhow::Result<DiskCache> {
    Ok(DiskCache::open(directory, LIMIT).await?)
}
