//! What a registry says reaches a terminal as text, never as a command to it.

use refkit_support::image::{ImageBuilder, IndexBuilder};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::put;
use crate::run::refkit;

/// Clears the screen, sets the title, begins a line of its own, turns the direction around.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nerror: all is well\u{9b}31m\u{202e}txt\u{2028}";

fn is_plain(text: &str) -> bool {
    text.chars().all(|character| character == '\n' || !(character.is_control() || "\u{202e}\u{2028}".contains(character)))
}

#[test]
fn annotations_are_text() {
    let registry = FaultRegistry::start().unwrap();
    let image = ImageBuilder::new("linux/amd64").annotation(EVIL, EVIL).build().listed_with(EVIL, EVIL);
    put(&registry, "demo/app", Some("evil"), &IndexBuilder::new().annotation(EVIL, EVIL).add(image).build());
    let reference = format!("{}/demo/app:evil", registry.host());
    for more in [&[][..], &["--layers", "--explain"], &["--format", "json"], &["--format", "json", "--explain"]] {
        let ran = refkit(["inspect", &reference].into_iter().chain(more.iter().copied()));
        assert!(ran.code == 0 && is_plain(ran.text()) && is_plain(&ran.stderr), "{more:?}: {}", ran.all());
    }
    // A program reads what was written.
    let json = refkit(["inspect", &reference, "--format", "json"]).json();
    assert_eq!(json["images"][0]["annotations"][EVIL], EVIL);
}

#[test]
fn messages_are_text() {
    let registry = FaultRegistry::start().unwrap();
    let body = serde_json::json!({ "errors": [{ "code": "DENIED", "message": EVIL }] }).to_string();
    registry.add(Rule::on("*", Fault::status(403).body(body)));
    let reference = format!("{}/demo/app:evil", registry.host());
    for arguments in [&["resolve", &reference][..], &["inspect", &reference], &["inspect", &reference, "--explain"]] {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == 1 && is_plain(ran.text()) && is_plain(&ran.stderr), "{}", ran.all());
        assert!(!ran.stderr.lines().any(|line| line == "error: all is well"), "{}", ran.stderr);
    }
}

#[test]
fn an_index_that_lists_an_index_twice_is_drawn_once() {
    let registry = FaultRegistry::start().unwrap();
    let mut image = ImageBuilder::new("linux/amd64").build();
    // 2^7 leaves; every level is a few hundred bytes.
    for _ in 0..7 {
        let twice = image.without_platform();
        image = IndexBuilder::new().add(twice.clone()).add(twice).build();
    }
    put(&registry, "demo/app", Some("deep"), &image);
    let reference = format!("{}/demo/app:deep", registry.host());
    let ran = refkit(["inspect", &reference, "--explain"]);
    assert!(ran.text().lines().count() < 100, "{}", ran.all());
    assert!(ran.stderr.lines().count() < 200, "{}", ran.all());
}
