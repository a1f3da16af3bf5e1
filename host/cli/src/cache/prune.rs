//! Makes the caches smaller: content of registries and compiled policies together.

use std::cmp::Reverse;
use std::time::SystemTime;

use refkit::aot;
use refkit_content::disk;

use super::{Caches, failed, unreadable};
use crate::arguments::PruneWhat;
use crate::failure::Failure;

/// Removes what is asked for.
///
/// # Errors
/// Where something cannot be read or removed.
pub async fn run(caches: &Caches, what: &PruneWhat) -> Result<(disk::Freed, Option<aot::Freed>), Failure> {
    let (content, compiled) = match (what.to, what.unused_for) {
        (Some(size), _) => {
            let content = caches.content.uses().await.map_err(failed)?;
            let compiled = caches.compiled.as_ref();
            let compiled = compiled.map(|cache| cache.uses().map_err(|error| unreadable(cache, &error)));
            let (content, compiled) = shares(&content, &compiled.transpose()?.unwrap_or_default(), size);
            (disk::Prune::To(content), aot::Prune::To(compiled))
        }
        (_, Some(time)) => (disk::Prune::Unused(time), aot::Prune::Unused(time)),
        (None, None) => (disk::Prune::All, aot::Prune::All),
    };
    let content = caches.content.prune(content).await.map_err(failed)?;
    let cache = caches.compiled.as_ref();
    let compiled = cache.map(|cache| cache.prune(compiled).map_err(|error| unreadable(cache, &error)));
    Ok((content, compiled.transpose()?))
}

/// Returns how many bytes of each of two caches are left where what was used last stays, of whichever it is, and no
/// more than `size` of both.
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
    fn what_was_used_last_stays() {
        let at = |seconds: u64, cost: u64| (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), cost);
        let (content, compiled) = ([at(1, 10), at(4, 10), at(5, 10)], [at(2, 100), at(3, 100)]);
        // size, what is left of content and of compiled policies
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
