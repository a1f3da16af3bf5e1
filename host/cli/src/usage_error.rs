//! The output for an invalid command line, in at most three lines.

use std::ffi::OsString;
use std::io;

use clap::CommandFactory;
use clap::error::ErrorKind;

use refkit_report::Escaped;

use crate::arguments::Arguments;
use crate::directories;
use crate::exit::Exit;
use crate::help;
use crate::output::{Output, Stdout};
use crate::progress::Screen;

/// Returns the output for a command line that clap refuses, or that asks for help; `words` are its words.
pub fn output(error: &clap::Error, words: impl Iterator<Item = OsString>) -> Output {
    let text = error.render().to_string();
    let lines = |screen: Screen| {
        let lines = help::wrapped(&text);
        if screen.colours { help::styled(lines) } else { lines }
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let lines = lines(directories::screen(&io::stdout()));
            Output { stdout: Stdout::Lines(lines), messages: Vec::new(), exit: Exit::Resolved }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let messages = lines(directories::screen(&io::stderr()));
            Output { stdout: Stdout::Lines(Vec::new()), messages, exit: Exit::Usage }
        }
        _ => Output { stdout: Stdout::Lines(Vec::new()), messages: short(&text, words), exit: Exit::Usage },
    }
}

/// clap prints the error, an empty line, tips, an empty line, and the usage. The error fits into one line and a tip
/// into another; `--help` has the rest.
fn short(text: &str, words: impl Iterator<Item = OsString>) -> Vec<String> {
    let mut paragraphs = text.split("\n\n");
    let what = paragraphs.next().unwrap_or_default();
    let what: Vec<&str> = what.lines().map(str::trim).collect();
    let tip =
        paragraphs.next().and_then(|paragraph| paragraph.lines().find_map(|line| line.trim().strip_prefix("tip: ")));
    let mut lines = vec![Escaped(what.join(" ")).to_string()];
    lines.extend(tip.map(|tip| format!("  {}", Escaped(tip))));
    let mut command = &Arguments::command();
    let mut name = "refkit".to_owned();
    for word in words {
        let Some(known) = command.find_subcommand(&word) else { break };
        name.push_str(&format!(" {}", known.get_name()));
        command = known;
    }
    lines.push(format!("  try: {name} --help"));
    lines
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_wrong_command_line_gets_three_lines() {
        // arguments, parts of the lines
        let rows: [(&[&str], &[&str]); 11] = [
            (&["frobnicate"], &["error: unrecognized subcommand 'frobnicate'", "try: refkit --help"]),
            (&["resolve"], &["error: the following required arguments", "<REF>", "try: refkit resolve --help"]),
            (&["resolve", "a", "b"], &["unexpected argument 'b'", "try: refkit resolve --help"]),
            (&["resolve", "--platfrm", "a"], &["'--platfrm'", "'--platform'", "try: refkit resolve --help"]),
            (&["resolve", "a", "--platform", ""], &["'--platform <PLATFORM>'", "try: refkit resolve --help"]),
            (&["resolve", "a", "--set", "x"], &["'--set <NAME=VALUE>'", "NAME=VALUE"]),
            (&["resolve", "a", "--all-platforms", "--platform", "linux/amd64"], &["cannot be used with"]),
            (&["inspect", "a", "--raw", "--config"], &["cannot be used with", "try: refkit inspect --help"]),
            (&["frontend", "image", "a"], &["--tag <DEST>", "try: refkit frontend image --help"]),
            (&["frontend", "imagine"], &["'imagine'", "'image'", "try: refkit frontend --help"]),
            (&["inspect", "a", "--raw", "--format", "json"], &["cannot be used with", "try: refkit inspect --help"]),
        ];
        for (arguments, parts) in rows {
            let all = ["refkit"].iter().chain(arguments);
            let output = output(&Arguments::try_parse_from(all).unwrap_err(), arguments.iter().map(OsString::from));
            let text = output.messages.join("\n");
            assert!(output.exit == Exit::Usage && (1..=3).contains(&output.messages.len()), "{text}");
            for part in parts {
                assert!(text.contains(part), "{arguments:?}: {part}: {text}");
            }
        }
    }

    #[test]
    fn help_is_no_error() {
        for arguments in [&["--help"][..], &["--version"], &["resolve", "--help"], &["inspect", "-h"]] {
            let error = Arguments::try_parse_from(["refkit"].iter().chain(arguments)).unwrap_err();
            let output = output(&error, std::iter::empty());
            assert!(output.exit == Exit::Resolved && output.messages.is_empty(), "{arguments:?}");
        }
    }

    #[test]
    fn the_arguments_agree_with_one_another() {
        Arguments::command().debug_assert();
    }
}
