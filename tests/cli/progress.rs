//! Progress on standard error, on a terminal and without one.

use std::fs;
use std::time::Duration;

use refkit_support::{Fault, FaultRegistry, Rule};

use crate::places::{demo_image, fill};
use crate::run::{DEMO, is_plain, refkit};
use crate::terminal::{self, XTERM};

/// How long each blob takes: three times as long as a terminal shows nothing.
const SLOW: Duration = Duration::from_millis(1500);

/// A registry whose blobs are slow, another one, and the arguments that copy an image from one to the other.
struct Slow {
    registries: [FaultRegistry; 2],
    arguments: Vec<String>,
    /// What standard output has to be.
    answer: String,
}

impl Slow {
    fn new() -> Self {
        Self::of("create")
    }

    /// For `create`, `copy` or `push`, which reads from a layout: its destination is slow.
    fn of(command: &str) -> Self {
        let registries = [(); 2].map(|()| FaultRegistry::start().unwrap());
        fill(&registries[0], &["single"]);
        let slow = || Fault::normal().delay(SLOW);
        registries[0].add(Rule::on("GET */blobs/*", slow()));
        let target = format!("{}/demo/copy:1", registries[1].host());
        let arguments = match command {
            "push" => {
                registries[1].add(Rule::on("PATCH */blobs/uploads/*", slow()));
                registries[1].add(Rule::on("PUT */blobs/uploads/*", slow()));
                vec!["push".to_owned(), format!("{DEMO}:single"), target.clone()]
            }
            _ => vec![command.to_owned(), format!("{}/demo/app:single", registries[0].host()), target.clone()],
        };
        let mut slow = Self { answer: format!("{target}@{}\n", demo_image("single").digest()), arguments, registries };
        if command == "create" {
            slow.arguments.splice(2..2, ["--prefer-index=false".to_owned(), "-t".to_owned()]);
        }
        slow
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        self.arguments.iter().map(String::as_str).chain(more.iter().copied()).collect()
    }
}

/// What a terminal got from a command.
struct Shown {
    /// All that the command wrote to the terminal.
    bytes: String,
    /// What it wrote to standard output, which is no terminal.
    stdout: String,
}

/// Runs `refkit` with standard error on a terminal of `columns`.
fn on_terminal(columns: u16, variables: &[(&str, &str)], arguments: &[&str]) -> Shown {
    let answer = tempfile::NamedTempFile::new().unwrap();
    let redirected = format!(">'{}'", answer.path().display());
    let (code, bytes) = terminal::on_terminal(columns, variables, arguments, &redirected);
    assert_eq!(code, 0, "{bytes}");
    Shown { bytes, stdout: fs::read_to_string(answer).unwrap() }
}

/// Returns the rows of a terminal of `columns`, in the order in which they were written, without control sequences. A row
/// that is full continues in the next one.
fn rows(bytes: &str, columns: usize) -> Vec<String> {
    let mut text = String::new();
    let mut rest = bytes.chars();
    while let Some(character) = rest.next() {
        match character {
            // A sequence ends with its first letter.
            '\u{1b}' => drop(rest.find(char::is_ascii_alphabetic)),
            '\r' => text.push('\n'),
            character => text.push(character),
        }
    }
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    let rows = lines.iter().flat_map(|line| line.chunks(columns)).map(|row| row.iter().collect::<String>());
    rows.map(|row| row.trim_end().to_owned()).filter(|row| !row.is_empty()).collect()
}

/// Returns whether a row is the beginning of a line of progress: no line continues in the next row.
fn begins_a_line(row: &str) -> bool {
    blobs().iter().any(|blob| row.starts_with(blob)) || row.starts_with("copied ")
}

/// The beginning of the line of a blob of the demo's image.
fn blobs() -> Vec<String> {
    demo_image("single").blobs().iter().map(|(blob, _)| blob.digest.as_str()[7..19].to_owned()).collect()
}

#[test]
fn a_terminal_shows_blobs_and_keeps_the_sum() {
    let slow = Slow::new();
    let shown = on_terminal(80, &[XTERM], &slow.arguments(&[]));
    assert_eq!(shown.stdout, slow.answer);
    let rows = rows(&shown.bytes, 80);
    for blob in blobs() {
        assert!(rows.iter().any(|row| row.starts_with(&blob) && row.contains("  0 B of ")), "{blob}: {rows:#?}");
    }
    assert!(rows.iter().any(|row| row.starts_with("copied 0 blobs, 0 B at 0 B/s")), "{rows:#?}");
    assert!(rows.last().is_some_and(|row| row.starts_with("copied 2 blobs, ")), "{rows:#?}");
    assert!(rows.iter().all(|row| row.len() < 80 && begins_a_line(row)), "{rows:#?}");
    assert!(shown.bytes.contains("\u{1b}[36m"), "{:?}", shown.bytes);
}

#[test]
fn each_command_that_copies_shows_its_blobs() {
    for command in ["copy", "push"] {
        let slow = Slow::of(command);
        let shown = on_terminal(80, &[XTERM], &slow.arguments(&[]));
        let rows = rows(&shown.bytes, 80);
        assert!(blobs().iter().all(|blob| rows.iter().any(|row| row.starts_with(blob))), "{command}: {rows:#?}");
        assert!(rows.last().is_some_and(|row| row.starts_with("copied 2 blobs, ")), "{command}: {rows:#?}");
        assert_eq!(shown.stdout, slow.answer, "{command}");
    }
}

#[test]
fn a_narrow_terminal_has_no_longer_rows() {
    let slow = Slow::new();
    let shown = on_terminal(30, &[XTERM, ("NO_COLOR", "1")], &slow.arguments(&[]));
    let rows = rows(&shown.bytes, 30);
    assert!(blobs().iter().all(|blob| rows.iter().any(|row| row.starts_with(blob))), "{rows:#?}");
    assert!(rows.iter().all(|row| row.len() < 30 && begins_a_line(row)), "{rows:#?}");
    assert!(!shown.bytes.contains("\u{1b}[36m"), "{:?}", shown.bytes);
    assert_eq!(shown.stdout, slow.answer);
}

#[test]
fn a_dumb_terminal_gets_lines_of_text() {
    for (variables, more) in [(&[("TERM", "dumb")][..], &[][..]), (&[XTERM], &["--progress", "plain"])] {
        let slow = Slow::new();
        let shown = on_terminal(80, variables, &slow.arguments(more));
        let text = shown.bytes.replace("\r\n", "\n");
        assert!(is_plain(&text), "{text:?}");
        assert!(blobs().iter().all(|blob| text.contains(&format!("{blob} "))), "{text}");
        assert!(text.lines().last().is_some_and(|line| line.starts_with("copied ")), "{text}");
        assert_eq!(shown.stdout, slow.answer);
    }
}

#[test]
fn a_terminal_shows_nothing_that_is_not_wanted() {
    for more in [&["--quiet"][..], &["-q"], &["--progress", "none"]] {
        let slow = Slow::new();
        let shown = on_terminal(80, &[XTERM], &slow.arguments(more));
        assert_eq!((shown.bytes.as_str(), shown.stdout), ("", slow.answer), "{more:?}");
    }
}

#[test]
fn without_a_terminal_there_is_progress_only_on_request() {
    let slow = Slow::new();
    let ran = refkit(slow.arguments(&[]));
    assert_eq!((ran.code, ran.text(), ran.stderr.as_str()), (0, slow.answer.as_str(), ""), "{}", ran.all());
    let slow = Slow::new();
    let ran = refkit(slow.arguments(&["--progress", "plain"]));
    assert_eq!((ran.code, ran.text()), (0, slow.answer.as_str()), "{}", ran.all());
    let lines: Vec<_> = ran.stderr.lines().collect();
    for blob in blobs() {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{blob} copied, "))), "{lines:#?}");
    }
    assert!(lines.last().is_some_and(|line| line.starts_with("copied 2 blobs, ")), "{lines:#?}");
    assert!(is_plain(&ran.stderr), "{}", ran.all());
}

#[test]
fn an_error_stands_below_the_progress() {
    let slow = Slow::new();
    slow.registries[1].add(Rule::on("PUT */manifests/*", Fault::status(403)));
    let ran = refkit(slow.arguments(&["--progress", "plain"]));
    assert_eq!((ran.code, ran.text()), (1, ""), "{}", ran.all());
    let (sum, error) = (ran.stderr.find("copied 2 blobs"), ran.stderr.find("error: "));
    assert!(sum.is_some() && sum < error, "{}", ran.all());
}
