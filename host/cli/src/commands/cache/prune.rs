//! Makes the caches smaller: content of registries and compiled policies together.

use std::cmp::Reverse;
use std::time::SystemTime;

use refkit::{AotCache, aot};
use refkit_content::disk;

use super::{Caches, PruneWhat};

/// Removes the selected entries from both caches.
///
/// # Errors
/// The error of a cache that cannot be read or written.
pub async fn run(caches: &Caches, what: &PruneWhat) -> anyhow::Result<(disk::Freed, Option<aot::Freed>)> {
    let cache = caches.content().await?;
    let (content, compiled) = match (what.to, what.unused_for) {
        (Some(size), _) => {
            let content = match &cache {
                Some(cache) => cache.uses().await?,
                None => Vec::new(),
            };
            let compiled = caches.compiled(|_| Vec::new(), AotCache::uses)?.unwrap_or_default();
            let (content, compiled) = shares(&content, &compiled, size);
            (disk::Prune::To(content), aot::Prune::To(compiled))
        }
        (_, Some(time)) => (disk::Prune::Unused(time), aot::Prune::Unused(time)),
        (None, None) => (disk::Prune::All, aot::Prune::All),
    };
    let freed = match &cache {
        Some(cache) => cache.prune(content).await?,
        None => disk::Freed::default(),
    };
    Ok((freed, caches.compiled(|_| aot::Freed::default(), |cache| cache.prune(compiled))?))
}

/// Returns how many bytes of each cache remain if both together keep `size` bytes: the most recently used entries of
/// either cache.
fn shares(content: &[(SystemTime, u64)], compiled: &[(SystemTime, u64)], size: u64) -> (u64, u64) {
    let of = |uses: &[(SystemTime, u64)], which: usize| uses.iter().map(|(at, cost)| (*at, which, *cost)).collect();
    let mut all: Vec<(SystemTime, usize, u64)> = of(content, 0);
    all.extend::<Vec<_>>(of(compiled, 1));
    all.sort_by_key(|(at, which, _)| (Reverse(*at), *which));
    let mut shares = [0, 0];
    for (_, which, cost) in all {
        let sum = shares.iter().fold(cost, |sum: u64, share| sum.saturating_add(*share));
        if sum > size {
            break;
        }
        shares[which] += cost;
    }
    (shares[0], shares[1])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_entries_that_were_used_last_stay() {
        let at = |seconds: u64, cost: u64| (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), cost);
        let (content, compiled) = ([at(1, 10), at(4, 10), at(5, 10)], [at(2, 100), at(3, 100)]);
        // size, the bytes of content and of compiled policies that remain
        for (size, wanted) in [
            (u64::MAX, (30, 200)),
            (230, (30, 200)),
            (229, (20, 200)),
            (120, (20, 100)),
            (119, (20, 0)),
            (19, (10, 0)),
            (9, (0, 0)),
            (0, (0, 0)),
        ] {
            assert_eq!(shares(&content, &compiled, size), wanted, "{size}");
        }
        assert_eq!(shares(&[], &[], 5), (0, 0));
    }
}
