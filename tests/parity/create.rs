//! `refkit create` beside `docker buildx imagetools create`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use refkit_oci::Digest;
use refkit_support::Held;
use serde_json::Value;

use crate::create_differences::DIFFERENCES;
use crate::create_row::{Asked, Row};
use crate::create_rows::rows;
use crate::place::Place;
use crate::programs::{Client, run};

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
    /// The lists of referrers.
    Lists,
    /// Which manifests are at the destinations.
    Manifests,
    /// Which blobs are there.
    Blobs,
    /// The metadata file.
    Metadata,
}

/// What one client did.
struct Outcome {
    dry_run: Result<Vec<u8>, String>,
    run: Result<(), String>,
    /// What is then there, by repository.
    held: Vec<Held>,
    metadata: Option<Value>,
}

fn outcome(place: &Place, row: &Row, client: Client, number: usize) -> Outcome {
    let asked = Asked::new(place, row, client, number);
    let held = || -> Vec<Held> {
        let repositories = row.repositories();
        let held = repositories.iter().map(|name| place.registry.held(&asked.repository(name)));
        held.collect::<anyhow::Result<_>>().unwrap_or_else(|error| panic!("{error:#}"))
    };
    let before = held();
    let dry = run(client, &asked.arguments(true));
    assert_eq!(held(), before, "a dry run writes: {}", dry.line);
    let dry_run = if dry.succeeded() { Ok(dry.output().to_vec()) } else { Err(dry.stderr) };
    let wet = run(client, &asked.arguments(false));
    if client == Client::Refkit && !wet.succeeded() {
        assert_eq!(held(), before, "what is refused leaves nothing: {}", wet.line);
    }
    // The file names the repositories.
    let metadata = std::fs::read_to_string(asked.metadata()).ok().map(|text| {
        let text = text.replace(&place.at(&asked.repository("")), "REPOSITORY/");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    });
    Outcome { dry_run, run: if wet.succeeded() { Ok(()) } else { Err(wet.stderr) }, held: held(), metadata }
}

/// Returns in what two outcomes differ, each with a text that shows it.
fn differences(place: &Place, refkit: &Outcome, buildx: &Outcome) -> BTreeMap<Part, String> {
    let mut found = BTreeMap::new();
    let said = |result: &Result<(), String>| match result {
        Ok(()) => "succeeds".to_owned(),
        Err(text) => text.trim().lines().last().unwrap_or_default().to_owned(),
    };
    let decided = |outcome: &Outcome| (outcome.run.is_ok(), outcome.dry_run.is_ok());
    if decided(refkit) != decided(buildx) {
        let dry = |outcome: &Outcome| if outcome.dry_run.is_ok() { "" } else { " (a dry run fails)" };
        let [left, right] = [refkit, buildx].map(|outcome| format!("{}{}", said(&outcome.run), dry(outcome)));
        found.insert(Part::Decision, format!("refkit: {left}\n    buildx: {right}"));
        return found;
    }
    if let (Ok(left), Ok(right)) = (&refkit.dry_run, &buildx.dry_run)
        && left != right
    {
        let [left, right] = [left, right].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        found.insert(Part::DryRun, format!("refkit: {left}\n    buildx: {right}"));
    }
    if refkit.run.is_err() {
        return found;
    }
    let shown =
        |digests: BTreeSet<&Digest>| digests.iter().map(|digest| &digest.as_str()[7..19]).collect::<Vec<_>>().join(" ");
    let mut compare = |part: Part, of: &dyn Fn(&Held) -> BTreeMap<String, Digest>| {
        let [left, right] = [refkit, buildx].map(|outcome| outcome.held.iter().map(of).collect::<Vec<_>>());
        if left != right {
            let all = |side: &[BTreeMap<String, Digest>]| {
                side.iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect::<BTreeSet<_>>()
            };
            let (left, right) = (all(&left), all(&right));
            let more = |one: &BTreeSet<(String, Digest)>, other: &BTreeSet<(String, Digest)>| {
                let more: Vec<&(String, Digest)> = one.difference(other).collect();
                let names: Vec<&str> =
                    more.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty()).collect();
                format!("{} {}", names.join(" "), shown(more.iter().map(|(_, digest)| digest).collect()))
            };
            found.insert(
                part,
                format!("only refkit: {}\n    only buildx: {}", more(&left, &right), more(&right, &left)),
            );
        }
    };
    let listing = |tag: &str| tag.starts_with("sha256-");
    let tags = |held: &Held, lists: bool| -> BTreeMap<String, Digest> {
        held.tags.clone().into_iter().filter(|(tag, _)| listing(tag) == lists).collect()
    };
    let digests = |digests: &BTreeSet<Digest>| digests.iter().map(|one| (one.to_string(), one.clone())).collect();
    compare(Part::Tags, &|held| tags(held, false));
    compare(Part::Lists, &|held| tags(held, true));
    compare(Part::Manifests, &|held| digests(&held.manifests));
    compare(Part::Blobs, &|held| digests(&held.blobs));
    if refkit.metadata != buildx.metadata {
        found.insert(Part::Metadata, format!("refkit: {:?}\n    buildx: {:?}", refkit.metadata, buildx.metadata));
    }
    // A dry run prints what the tag then names.
    if let (Ok(printed), Some(root)) = (&refkit.dry_run, refkit.held.iter().find_map(|held| held.tags.get("1"))) {
        assert_eq!(place.registry.stored(root).ok().as_ref(), Some(printed));
    }
    found
}

#[test]
#[ignore = "buildx takes minutes to build: make test-parity"]
fn create_makes_what_buildx_makes() {
    let (place, rows) = (Place::new(), rows());
    let names: BTreeSet<&str> = rows.iter().map(|row| row.about).collect();
    assert_eq!(names.len(), rows.len(), "two rows have one name");
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, row)) = {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    rows.get(n).map(|row| (n, row))
                } {
                    let [refkit, buildx] =
                        [Client::Refkit, Client::Buildx].map(|client| outcome(&place, row, client, number));
                    found.lock().insert(row.about, differences(&place, &refkit, &buildx));
                }
            });
        }
    });
    let found = found.into_inner();
    let mut wrong = Vec::new();
    for (about, parts) in &found {
        let listed = DIFFERENCES.iter().filter(|one| one.row == *about);
        let listed: BTreeSet<Part> = listed.flat_map(|one| one.parts).copied().collect();
        for (part, text) in parts.iter().filter(|(part, _)| !listed.contains(part)) {
            wrong.push(format!("{about}: {part:?} differs, and no reason is listed\n    {text}"));
        }
        for part in listed.iter().filter(|part| !parts.contains_key(part)) {
            wrong.push(format!("{about}: {part:?} is listed as a difference, and does not differ"));
        }
    }
    for one in DIFFERENCES.iter().filter(|one| !names.contains(one.row)) {
        wrong.push(format!("no row is called {:?}, which is listed with a difference", one.row));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let same = found.values().filter(|parts| parts.is_empty()).count();
    println!("create: {same} of {} compositions are buildx's in every byte and blob", rows.len());
}
