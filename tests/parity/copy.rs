//! `refkit copy` beside `crane copy` and `regctl image copy`.

use refkit_support::Held;

use crate::compare::{self, Difference, Found, Part};
use crate::copy_rows::{FROM_CRANE, FROM_REGCTL, ROWS, Row};
use crate::place::Place;
use crate::programs::{Client, Ran};

/// What one client did.
struct Outcome {
    run: Ran,
    held: [Held; 2],
}

fn outcome(place: &Place, row: &Row, number: usize, client: Client, line: &str) -> Outcome {
    let repository = format!("copied/{number}/{}", client.name());
    place.prepare(&repository, row.before, row.tagged);
    let before = place.held_at_both(&repository);
    let run = place.run(client, &repository, line);
    let held = place.held_at_both(&repository);
    if client == Client::Refkit && !run.succeeded() {
        let tags = |held: &[Held; 2]| held.each_ref().map(|held| held.tags.clone());
        assert_eq!(tags(&held), tags(&before), "what fails moves no tag: {}", run.line);
    }
    Outcome { run, held }
}

fn differences(place: &Place, refkit: &Outcome, other: &Outcome) -> Found {
    let mut found = Found::new();
    if refkit.run.succeeded() != other.run.succeeded() {
        compare::values(&mut found, Part::Decision, [&refkit.run.decision(), &other.run.decision()], String::clone);
    } else if refkit.run.succeeded() {
        compare::held(&mut found, [&refkit.held, &other.held], &|digest| place.stored(digest));
    }
    found
}

#[test]
fn copy_leaves_what_crane_and_regctl_leave() {
    let place = Place::new();
    let all = compare::of_all(ROWS, |number, row| {
        let outcome = |client, line| outcome(&place, row, number, client, line);
        let refkit = outcome(Client::Refkit, row.refkit);
        let found = |client, line: Option<&'static str>| Some(differences(&place, &refkit, &outcome(client, line?)));
        (found(Client::Crane, row.crane), found(Client::Regctl, row.regctl))
    });
    let check = |client: Client, found: Vec<Option<&Found>>, listed: &[Difference]| {
        let found = ROWS.iter().zip(found).filter_map(|(row, found)| Some((row.about, found?)));
        let found: Vec<(&str, &Found)> = found.collect();
        compare::check(client.name(), found.iter().copied(), listed);
        let same = found.iter().filter(|(_, found)| found.is_empty()).count();
        println!("copy: {same} of {} copies leave what {} leaves", found.len(), client.name());
        assert!(same >= 12, "too few rows compare anything");
    };
    check(Client::Crane, all.iter().map(|(crane, _)| crane.as_ref()).collect(), FROM_CRANE);
    check(Client::Regctl, all.iter().map(|(_, regctl)| regctl.as_ref()).collect(), FROM_REGCTL);
}
