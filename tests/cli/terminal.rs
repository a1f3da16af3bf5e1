//! Runs the command on a terminal.

use std::fs;
use std::process::{Command, Stdio};

use crate::run::{home, wait};

/// The variable of a terminal that can move its cursor.
pub const XTERM: (&str, &str) = ("TERM", "xterm");

/// Runs `refkit` on a terminal of `columns`, by `script` of util-linux; `redirected` is what the shell does with its
/// streams. Returns the exit code and all that the terminal got.
pub fn on_terminal(columns: u16, variables: &[(&str, &str)], arguments: &[&str], redirected: &str) -> (i32, String) {
    let directory = tempfile::tempdir().unwrap();
    let program = refkit_support::command().unwrap();
    let words: Vec<_> = arguments.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("stty cols {columns} rows 24; exec '{}' {} {redirected}", program.display(), words.join(" "));
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).env_clear().envs(variables.iter().copied());
    command.env("HOME", home()).env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin");
    command.current_dir(refkit_support::workspace_root());
    let shown = directory.path().join("shown");
    let file = fs::File::create(&shown).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::inherit()).spawn().unwrap();
    let code = wait(&mut child);
    (code, fs::read_to_string(shown).unwrap())
}
