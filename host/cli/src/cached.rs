//! The cache of registries' content, as a person wants it used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use refkit::{AotCache, ErrorCode};
use refkit_content::cache::{CacheOptions, Pull as WhenPulled};
use refkit_content::{Cached, DiskCache, Source};
use refkit_registry::Client;

use crate::arguments::{Caching, Pull};
use crate::failure::Failure;
use crate::places::Places;
use crate::setup::plain;

/// The most that the cache takes: 1 GiB, which is tens of thousands of images without their layers.
const LIMIT: u64 = 1 << 30;

/// The most that compiled policies take: 512 MiB, which is fifteen in Python, or two thousand in Rust.
const COMPILED_LIMIT: u64 = 512 << 20;

/// A source behind the cache, and the cache, where one is used.
pub struct Behind {
    /// What is asked.
    pub source: Arc<dyn Source>,
    /// Where answers are kept.
    pub cache: Option<DiskCache>,
}

/// Returns the client behind the cache.
///
/// # Errors
/// Where the cache is all there is, and it cannot be used.
pub async fn behind(
    client: Client,
    caching: &Caching,
    places: &Places,
    notes: &mut Vec<String>,
) -> Result<Behind, Failure> {
    if caching.no_cache {
        return Ok(Behind { source: Arc::new(client), cache: None });
    }
    let opened = match directory(None, places) {
        Ok(directory) => open(&directory).await,
        Err(failure) => Err(failure),
    };
    let pull = match caching.pull {
        Pull::Default => WhenPulled::Default,
        Pull::Always => WhenPulled::Always,
        Pull::Never => WhenPulled::Never,
    };
    let (offline, stale_if_error) = (caching.offline, caching.stale_if_error);
    let options = CacheOptions { pull, offline, stale_if_error, ..CacheOptions::default() };
    match opened {
        Ok(cache) => {
            let source = Arc::new(Cached::on_disk(client, cache.clone(), options));
            Ok(Behind { source, cache: Some(cache) })
        }
        Err(failure) if offline || pull == WhenPulled::Never => Err(failure),
        Err(failure) => {
            notes.push(format!("content of registries is not kept: {}", failure.what()));
            Ok(Behind { source: Arc::new(client), cache: None })
        }
    }
}

/// Returns where the cache is.
///
/// # Errors
/// Where nobody says.
pub fn directory(named: Option<&Path>, places: &Places) -> Result<PathBuf, Failure> {
    let directory = named.map(Path::to_owned).or_else(|| places.content.clone());
    directory.ok_or_else(|| {
        let what = "there is no cache: neither XDG_CACHE_HOME nor HOME names a directory";
        Failure::failed(ErrorCode::Other, what)
    })
}

/// Opens the user's cache of compiled policies.
///
/// # Errors
/// Where there is none, or one that other users can write to.
pub fn compiled(places: &Places) -> Result<AotCache, Failure> {
    let Some(directory) = &places.compiled else {
        let what = "neither XDG_CACHE_HOME nor HOME names a directory";
        return Err(Failure::failed(ErrorCode::Other, what));
    };
    AotCache::open(directory, COMPILED_LIMIT).map_err(|error| {
        Failure::failed(ErrorCode::Other, format_args!("cannot open {}: {}", directory.display(), plain(&error)))
    })
}

/// Opens the cache.
///
/// # Errors
/// Where there is something else, or a directory that is not this user's alone.
pub async fn open(directory: &Path) -> Result<DiskCache, Failure> {
    let opened = DiskCache::open(directory, LIMIT).await.map_err(refkit::Error::from);
    opened.map_err(|error| Failure::failed(error.code(), &error))
}
