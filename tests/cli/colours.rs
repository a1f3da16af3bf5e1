//! Colours: on a terminal that shows them, if the user wants them, and nowhere else.

use crate::run::{DEMO, is_plain, policy, refkit};
use crate::terminal::{XTERM, on_terminal};

/// Arguments, the exit code, and what a terminal shows in colour or in bold.
type Row<'a> = (Vec<&'a str>, i32, &'a [&'a str]);

fn rows(allow_list: &str) -> Vec<Row<'_>> {
    let denied = vec!["resolve", DEMO, "--policy", allow_list, "--set", "allow=docker.io/**", "--explain"];
    vec![
        (
            vec!["--help"],
            0,
            &["\u{1b}[1mCommands:\u{1b}[0m", "  \u{1b}[1mcopy\u{1b}[0m  ", "\u{1b}[1m--verbose\u{1b}[0m..."],
        ),
        (vec![], 2, &["\u{1b}[1mUsage:\u{1b}[0m refkit"]),
        (
            vec!["resolve"],
            2,
            &["\u{1b}[1;31merror:\u{1b}[0m the following", "\u{1b}[36m  try: refkit resolve --help\u{1b}[0m"],
        ),
        (vec!["resolve", "oci-layout:no/such/layout"], 1, &["\u{1b}[1;31merror:\u{1b}[0m cannot open"]),
        (vec!["resolve", DEMO, "--explain"], 0, &["→ \u{1b}[1;32mresolved\u{1b}[0m sha256:"]),
        (denied, 3, &["→ \u{1b}[1;31mdenied\u{1b}[0m by rule", "\u{1b}[1;31mdenied:\u{1b}[0m oci-layout:"]),
    ]
}

/// Returns a text without the sequences that set colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').expect("it sets a colour").1)
}

/// Returns a text without the times of an explanation, which differ.
fn timeless(text: &str) -> String {
    let lines = text.lines().filter(|line| !["time", "memory"].iter().any(|word| line.contains(word)));
    let lines = lines.map(|line| refkit_support::filters::usual(line).replace(" ", ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_terminal_shows_them() {
    let allow_list = policy("allow-list");
    for (arguments, code, parts) in rows(&allow_list) {
        let (found, shown) = on_terminal(80, &[XTERM], &arguments, "");
        assert_eq!(found, code, "{arguments:?}: {shown}");
        for part in parts {
            assert!(shown.contains(part), "{arguments:?}: {part:?}: {shown:?}");
        }
        // They add nothing else.
        let ran = refkit(arguments.iter().copied());
        let (plain, shown) = (format!("{}{}", ran.text(), ran.stderr), without_colours(&shown));
        let sorted = |text: &str| {
            let mut lines: Vec<String> = timeless(text).lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&shown), sorted(&plain), "{arguments:?}");
    }
}

#[test]
fn nothing_else_does() {
    let allow_list = policy("allow-list");
    for (arguments, code, _) in rows(&allow_list) {
        for variables in [&[XTERM, ("NO_COLOR", "1")][..], &[("TERM", "dumb")], &[]] {
            let (found, shown) = on_terminal(80, variables, &arguments, "");
            assert_eq!(found, code, "{arguments:?}");
            assert!(is_plain(&shown.replace("\r\n", "\n")), "{arguments:?} {variables:?}: {shown:?}");
        }
        // A stream that is no terminal gets none, whatever the other one is.
        for (kept, other) in [("2", ">"), ("1", "2>")] {
            let file = tempfile::NamedTempFile::new().unwrap();
            let redirected = format!("{other}'{}'", file.path().display());
            let (found, _) = on_terminal(80, &[XTERM], &arguments, &redirected);
            assert_eq!(found, code, "{arguments:?}");
            let text = std::fs::read_to_string(file.path()).unwrap();
            assert!(is_plain(&text), "{arguments:?} without {kept}: {text:?}");
        }
    }
}
