//! `refkit completion` and `refkit man`.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::help::commands;
use crate::run::refkit;

/// Returns what bash offers for the last word of a line.
fn bash(words: &[&str]) -> Vec<String> {
    let script = r#"
        source "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _refkit "$1" "${!#}" "${@: -2:1}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("refkit");
    fs::write(&path, refkit(["completion", "bash"]).line()).unwrap();
    let mut command = Command::new("bash");
    command.args(["--norc", "--noprofile", "-euc", script, "bash"]).arg(&path).args(words);
    let ran = command.current_dir(refkit_support::workspace_root()).output().unwrap();
    assert!(ran.status.success() && ran.stderr.is_empty(), "{words:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    // the words, what is offered, what is not
    let rows: [(&[&str], &[&str], &[&str]); 8] = [
        (&["refkit", ""], &["resolve", "create", "completion", "--help"], &["man", "precompile", "help"]),
        (&["refkit", "res"], &["resolve"], &["create"]),
        (&["refkit", "cache", ""], &["info", "prune", "verify"], &["resolve"]),
        (&["refkit", "resolve", "--plat"], &["--platform"], &["--policy"]),
        (&["refkit", "create", "--"], &["--append", "--progress", "--quiet"], &["--offline"]),
        (&["refkit", "create", "--progress", ""], &["auto", "plain", "none"], &["--append"]),
        (&["refkit", "completion", ""], &["bash", "zsh", "fish"], &["elvish"]),
        (&["refkit", "resolve", "--policy", "Makef"], &["Makefile"], &["--policy"]),
    ];
    for (words, some, none) in rows {
        let offered = bash(words);
        for word in some {
            assert!(offered.iter().any(|one| one == word), "{words:?}: {word}: {offered:?}");
        }
        assert!(!offered.iter().any(|one| none.contains(&one.as_str())), "{words:?}: {offered:?}");
    }
}

#[test]
fn each_shell_has_a_script_without_hidden_commands() {
    // the shell, a part of its script
    for (shell, part) in [("bash", "complete -F _refkit"), ("zsh", "#compdef refkit"), ("fish", "complete -c refkit")] {
        let ran = refkit(["completion", shell]);
        let script = ran.line();
        assert!(script.contains(part) && script.contains("prefer-index"), "{shell}: {script}");
        assert!(!script.contains("precompile") && !script.contains("manual pages"), "{shell}: {script}");
    }
    let ran = refkit(["completion", "tcsh"]);
    assert!(ran.code == 2 && ran.stderr.contains("bash, zsh, fish"), "{}", ran.all());
}

#[test]
fn each_command_has_a_manual_page_with_its_options() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("share/man1");
    let ran = refkit(["man", path.to_str().unwrap()]);
    assert_eq!((ran.code, ran.text(), ran.stderr.as_str()), (0, "", ""), "{}", ran.all());
    let mut pages = BTreeSet::new();
    for command in commands() {
        let page = format!("refkit{}.1", command.iter().map(|word| format!("-{word}")).collect::<String>());
        let text = fs::read_to_string(path.join(&page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        // roff writes a hyphen that is no place for a break as \-.
        let text = text.replace("\\-", "-");
        let help = refkit(command.iter().map(String::as_str).chain(["--help"]));
        for option in help.text().split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.trim_end_matches(|last: char| !last.is_ascii_alphanumeric());
            let option = option.split(['=', '[', '.']).next().unwrap();
            assert!(text.contains(option), "{page} lacks {option}");
        }
        pages.insert(page);
    }
    let written = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(written.collect::<BTreeSet<_>>(), pages);
}
