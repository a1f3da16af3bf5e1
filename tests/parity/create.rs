//! `refkit create` beside `docker buildx imagetools create`.

use refkit_support::Held;
use serde_json::Value;

use crate::compare::{self, Found, Part};
use crate::create_differences::DIFFERENCES;
use crate::create_row::{Asked, Row};
use crate::create_rows::rows;
use crate::place::Place;
use crate::programs::{Client, Ran, run};

/// What one client did.
struct Outcome {
    dry_run: Ran,
    run: Ran,
    /// What is then there, by repository.
    held: Vec<Held>,
    metadata: Option<Value>,
}

fn outcome(place: &Place, row: &Row, client: Client, number: usize) -> Outcome {
    let asked = Asked::new(place, row, client, number);
    let held = || -> Vec<Held> { row.repositories().iter().map(|name| place.held(&asked.repository(name))).collect() };
    let before = held();
    let dry_run = run(client, &asked.arguments(true));
    assert_eq!(held(), before, "a dry run writes: {}", dry_run.line);
    let run = run(client, &asked.arguments(false));
    if client == Client::Refkit && !run.succeeded() {
        assert_eq!(held(), before, "what is refused leaves nothing: {}", run.line);
    }
    // The file names the repositories.
    let metadata = std::fs::read_to_string(asked.metadata()).ok().map(|text| {
        let text = text.replace(&place.at(&asked.repository("")), "REPOSITORY/");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    });
    Outcome { dry_run, run, held: held(), metadata }
}

fn differences(place: &Place, refkit: &Outcome, buildx: &Outcome) -> Found {
    let mut found = Found::new();
    let decided = [refkit, buildx].map(|one| (one.run.succeeded(), one.dry_run.succeeded()));
    if decided[0] != decided[1] {
        compare::values(&mut found, Part::Decision, [&refkit.run.decision(), &buildx.run.decision()], String::clone);
        return found;
    }
    let printed = [refkit, buildx].map(|one| one.dry_run.output().to_vec());
    compare::values(&mut found, Part::DryRun, [&printed[0], &printed[1]], |bytes| {
        String::from_utf8_lossy(bytes).into_owned()
    });
    if refkit.run.succeeded() {
        compare::held(&mut found, [&refkit.held, &buildx.held], &|digest| place.stored(digest));
        compare::values(&mut found, Part::Metadata, [&refkit.metadata, &buildx.metadata], |of| format!("{of:?}"));
        // A dry run prints what the tag then names.
        let root = refkit.held.iter().find_map(|held| held.tags.get("1")).expect("there is a destination");
        assert_eq!(place.stored(root), printed[0], "{}", refkit.dry_run.line);
    }
    found
}

#[test]
fn create_makes_what_buildx_makes() {
    let (place, rows) = (Place::new(), rows());
    let found = compare::of_all(&rows, |number, row| {
        let [refkit, buildx] = [Client::Refkit, Client::Buildx].map(|client| outcome(&place, row, client, number));
        (refkit.run.succeeded(), differences(&place, &refkit, &buildx))
    });
    compare::check("buildx", rows.iter().zip(&found).map(|(row, (_, found))| (row.about, found)), DIFFERENCES);
    let count = |made: bool| found.iter().filter(|(one, parts)| *one == made && parts.is_empty()).count();
    let (all, same, refused) = (rows.len(), count(true), count(false));
    println!(
        "create: of {all} compositions, {same} are buildx's in every byte and blob, both clients refuse {refused}, and \
         {} differ as listed",
        all - same - refused
    );
    assert!(same >= 80, "rows that both refuse compare little");
}
