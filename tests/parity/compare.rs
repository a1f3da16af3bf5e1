//! In what the results of two clients differ, and whether that is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use refkit_oci::Digest;
use refkit_support::Held;
use serde_json::Value;

/// How many rows run at once.
const AT_ONCE: usize = 4;

/// In what the results of two clients can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// One of them refuses.
    Decision,
    /// The bytes that a dry run prints.
    DryRun,
    /// What the tags name.
    Tags,
    /// The tags that begin with a digest: lists of referrers, and cosign's.
    DigestTags,
    /// Which other manifests are at the destinations.
    Manifests,
    /// Which blobs are there.
    Blobs,
    /// The metadata file.
    Metadata,
}

/// The differences of one row, each with a text that shows it.
pub type Found = BTreeMap<Part, String>;

/// A difference that is to be.
pub struct Difference {
    /// The rows.
    pub rows: &'static [&'static str],
    /// In what the results differ.
    pub parts: &'static [Part],
    /// Why RefKit does it in its own way.
    pub reason: &'static str,
}

/// Adds a difference where two values are not the same.
pub fn values<T: PartialEq>(found: &mut Found, part: Part, sides: [&T; 2], shown: impl Fn(&T) -> String) {
    if sides[0] != sides[1] {
        let [refkit, other] = sides.map(shown);
        found.insert(part, format!("refkit: {refkit}\n     other: {other}"));
    }
}

/// Adds the differences of what is at destinations. `read` returns a document of any of them.
///
/// A list of referrers is compared by what it lists, as each client spells its own. The lists that it has replaced are no
/// difference.
pub fn held(found: &mut Found, sides: [&[Held]; 2], read: &dyn Fn(&Digest) -> Vec<u8>) {
    let of_digest = |tag: &str| tag.starts_with("sha256-");
    let tags = |held: &Held, wanted: bool| -> BTreeSet<String> {
        let tags = held.tags.iter().filter(|(tag, _)| of_digest(tag) == wanted);
        tags.map(|(tag, digest)| match listed(&read(digest)).filter(|_| wanted) {
            Some(listed) => format!("{tag} lists {listed:?}"),
            None => format!("{tag} is {digest}"),
        })
        .collect()
    };
    let untagged = |held: &Held| -> BTreeSet<String> {
        let untagged = held.manifests.iter().filter(|one| !held.tags.values().any(|known| known == *one));
        untagged.filter(|one| listed(&read(one)).is_none()).map(ToString::to_string).collect()
    };
    let mut compare = |part: Part, of: &dyn Fn(&Held) -> BTreeSet<String>| {
        let sides: [Vec<BTreeSet<String>>; 2] = sides.map(|side| side.iter().map(of).collect());
        let [refkit, other] = [0, 1].map(|one| {
            let pairs = sides[one].iter().zip(&sides[1 - one]);
            pairs.flat_map(|(own, others)| own.difference(others)).cloned().collect::<Vec<_>>().join(", ")
        });
        if sides[0] != sides[1] {
            found.insert(part, format!("only refkit: {refkit}\n     only other: {other}"));
        }
    };
    compare(Part::Tags, &|held| tags(held, false));
    compare(Part::DigestTags, &|held| tags(held, true));
    compare(Part::Manifests, &untagged);
    compare(Part::Blobs, &|held| held.blobs.iter().map(ToString::to_string).collect());
}

/// Returns the entries of a list of referrers: an index of nothing but artifacts.
fn listed(document: &[u8]) -> Option<BTreeSet<String>> {
    let document: Value = serde_json::from_slice(document).ok()?;
    let entries = document["manifests"].as_array()?;
    let is_list = !entries.is_empty() && entries.iter().all(|entry| entry["artifactType"].is_string());
    // The members of an object are sorted.
    is_list.then(|| entries.iter().map(ToString::to_string).collect())
}

/// Checks that what was found is what is listed: nothing more, and nothing less.
pub fn check<'a>(other: &str, found: impl IntoIterator<Item = (&'a str, &'a Found)>, listed: &[Difference]) {
    let (mut wrong, mut names) = (Vec::new(), BTreeSet::new());
    for (row, found) in found {
        assert!(names.insert(row), "two rows are called {row:?}");
        let parts: BTreeSet<Part> =
            listed.iter().filter(|one| one.rows.contains(&row)).flat_map(|one| one.parts).copied().collect();
        for (part, text) in found.iter().filter(|(part, _)| !parts.contains(part)) {
            wrong.push(format!("{row}: {part:?} differs, and no reason is listed\n     {text}"));
        }
        for part in parts.iter().filter(|part| !found.contains_key(part)) {
            wrong.push(format!("{row}: {part:?} is listed as a difference, and does not differ"));
        }
    }
    for one in listed {
        for row in one.rows.iter().filter(|row| !names.contains(*row)) {
            wrong.push(format!("no row is called {row:?}, which is to differ: {}", one.reason));
        }
    }
    assert!(wrong.is_empty(), "beside {other}:\n{}", wrong.join("\n"));
}

/// Does the work of all rows, some at once, and returns its results in the order of the rows.
pub fn of_all<R: Sync, T: Send>(rows: &[R], work: impl Fn(usize, &R) -> T + Sync) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let take = || {
        let number = next.fetch_add(1, Ordering::SeqCst);
        rows.get(number).map(|row| (number, row))
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, row)) = take() {
                    let result = work(number, row);
                    done.lock().insert(number, result);
                }
            });
        }
    });
    done.into_inner().into_values().collect()
}
