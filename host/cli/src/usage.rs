//! What is said of a command line that makes no sense, in at most three lines.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::answer::{Answer, Output};
use crate::arguments::Arguments;
use crate::failure::Exit;
use refkit_report::Escaped;

/// Returns the answer to a command line that was not understood, or that asks for help; `words` are its words.
pub fn answer(error: &clap::Error, words: impl Iterator<Item = OsString>) -> Answer {
    let text = error.render().to_string();
    let lines = || text.trim_end().lines().map(str::to_owned).collect();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            Answer { output: Output::Lines(lines()), messages: Vec::new(), exit: Exit::Resolved }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Answer { output: Output::Lines(Vec::new()), messages: lines(), exit: Exit::Usage }
        }
        _ => Answer { output: Output::Lines(Vec::new()), messages: short(&text, words), exit: Exit::Usage },
    }
}

/// clap says what is wrong, an empty line, tips, an empty line, and how the command is used. What is wrong fits into
/// one line, a tip into another, and `--help` says the rest.
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
    fn a_wrong_command_line_is_told_in_three_lines() {
        // arguments, what the lines have in them
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
            let answer = answer(&Arguments::try_parse_from(all).unwrap_err(), arguments.iter().map(OsString::from));
            let text = answer.messages.join("\n");
            assert!(answer.exit == Exit::Usage && (1..=3).contains(&answer.messages.len()), "{text}");
            for part in parts {
                assert!(text.contains(part), "{arguments:?}: {part}: {text}");
            }
        }
    }

    #[test]
    fn help_is_an_answer() {
        for arguments in [&["--help"][..], &["--version"], &["resolve", "--help"], &["inspect", "-h"]] {
            let error = Arguments::try_parse_from(["refkit"].iter().chain(arguments)).unwrap_err();
            let answer = answer(&error, std::iter::empty());
            assert!(answer.exit == Exit::Resolved && answer.messages.is_empty(), "{arguments:?}");
        }
    }

    #[test]
    fn the_arguments_agree_with_one_another() {
        Arguments::command().debug_assert();
    }
}
