//! What sources become: a table of yes and no, and the same rows and hundreds of others against buildx's own code.

mod asked;
mod buildx;
mod content;
mod publication;
mod random;
mod rewrite;
mod rows;
mod texts;

use content::shown;
use random::Random;
use rows::{Fixtures, rows};

#[test]
fn sources_become_what_the_table_says() {
    let fixtures = Fixtures::new();
    let names = fixtures.names();
    let mut failures = Vec::new();
    for row in rows(&fixtures) {
        let found = match row.question.own() {
            Ok(composed) => shown(&row.question, &composed, &names),
            Err(error) => format!("error: {error:#}"),
        };
        let meets = if row.wanted.starts_with("error") { found.contains(row.wanted) } else { found == row.wanted };
        if !meets {
            failures.push(format!("{}\n  wanted {}\n  found  {found}", row.about, row.wanted));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_bytes_are_those_of_buildx() {
    let fixtures = Fixtures::new();
    let rows = rows(&fixtures);
    // What RefKit refuses, and what buildx cannot be asked, is in the table alone.
    let compared: Vec<_> = rows.iter().filter(|row| !row.wanted.starts_with("error") && !row.own).collect();
    assert!(compared.len() >= 30, "only {} rows", compared.len());
    let mut questions: Vec<_> = compared.iter().map(|row| &row.question).collect();
    let mut random = Random::new(2_944);
    let generated: Vec<_> =
        std::iter::repeat_with(|| random.question(&fixtures)).filter(|one| !one.opens()).take(600).collect();
    questions.extend(&generated);
    let answers = buildx::answers(&questions).unwrap();
    let (mut failures, mut composed, mut panicked) = (Vec::new(), 0, 0);
    for (place, (question, theirs)) in questions.iter().zip(&answers).enumerate() {
        let about = compared.get(place).map_or_else(|| format!("generated {place}"), |row| row.about.to_owned());
        // A platform in an annotation, and an entry without one.
        if theirs["refused"].as_str().is_some_and(|text| text.starts_with("panic: ")) {
            panicked += 1;
            continue;
        }
        match question.own() {
            Ok(own) => {
                composed += 1;
                failures.extend(buildx::difference(question, &own, theirs).map(|text| format!("{about}: {text}")));
            }
            Err(error) => {
                let text = error.to_string();
                // buildx leaves annotations out that a Docker manifest list cannot have.
                if theirs["refused"].is_null() && !text.contains("Docker manifest list") {
                    failures.push(format!("{about}: only RefKit refuses: {text}"));
                }
            }
        }
    }
    let shown = failures.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {} differ:\n{shown}", failures.len(), questions.len());
    assert!(panicked * 10 < questions.len(), "buildx panicked at {panicked} of {}", questions.len());
    assert!(composed * 2 > questions.len(), "only {composed} of {} become an index", questions.len());
}
