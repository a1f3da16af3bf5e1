//! The help of every command: at most 80 columns, and as the snapshots say.

use std::collections::BTreeSet;

use crate::run::refkit;

/// Returns every command that is not hidden, by its words; the first has none.
pub fn commands() -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(command) = all.get(next).cloned() {
        let help = refkit(command.iter().map(String::as_str).chain(["--help"]));
        let listed =
            help.text().lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        // The text of a command may continue in the next line, further right.
        let names = listed.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
        for name in names.filter_map(|line| line.split(' ').next()) {
            all.push(command.iter().cloned().chain([name.to_owned()]).collect());
        }
        next += 1;
    }
    all
}

#[test]
fn help_fits_into_80_columns() {
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        for flag in ["-h", "--help"] {
            let help = refkit(command.iter().map(String::as_str).chain([flag]));
            let help = help.line();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{command:?} {flag}: {line}");
                assert_eq!(line, line.trim_end(), "{command:?} {flag}");
            }
        }
    }
}

/// `INSTA_UPDATE=always` writes the snapshots anew.
#[test]
fn help_is_as_the_snapshots_say() {
    let mut names = BTreeSet::new();
    for command in commands() {
        let name = std::iter::once("refkit").chain(command.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
        let help = refkit(command.iter().map(String::as_str).chain(["--help"]));
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.as_str(), help.line());
        });
        names.insert(format!("{name}.snap"));
    }
    let directory = refkit_support::workspace_root().join("tests/cli/snapshots");
    let there = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), names, "a snapshot of a command that is no more");
}
