//! Invalid command lines: exit code 2, at most three lines, and no request.

use crate::run::{DEMO, home, policy, refkit};

#[test]
fn each_failure_has_a_reason_and_a_remedy() {
    let allow_list = policy("allow-list");
    // arguments, parts of standard error
    let rows: [(&[&str], &[&str]); 24] = [
        (&[], &["Usage: refkit [OPTIONS] <COMMAND>"]),
        (&["frobnicate"], &["unrecognized subcommand 'frobnicate'", "try: refkit --help"]),
        (&["resolve"], &["<REF>", "try: refkit resolve --help"]),
        (&["resolve", ""], &["error: "]),
        (&["resolve", "UPPER/Case"], &["UPPER/Case", "it is written"]),
        (&["resolve", "a:b:c"], &["a:b:c", "it is written"]),
        (&["resolve", "alpine@sha256:12"], &["alpine@sha256:12"]),
        (&["resolve", "oci-layout:"], &["oci-layout:PATH"]),
        (&["resolve", DEMO, "--plain-http"], &["--plain-http"]),
        (&["resolve", DEMO, "--platform", "//"], &["--platform", "try: refkit resolve --help"]),
        (&["resolve", DEMO, "--grant", "a b"], &["--grant", "try: refkit resolve --help"]),
        (&["resolve", DEMO, "--set", "allow"], &["NAME=VALUE"]),
        (&["resolve", DEMO, "--limit", "cals=1"], &["there is no limit \"cals\"", "calls, bytes, content"]),
        (&["copy", DEMO, "./a", "--limit", "time=5"], &["--limit", "a number with s, m, h or d"]),
        (&["resolve", DEMO, "--set", "allow=x"], &["no policy has a setting allow", "--policy FILE"]),
        (&["resolve", DEMO, "--policy", &allow_list], &["allow-list", "needs the setting allow", "add --set allow=…"]),
        (
            &["resolve", DEMO, "--policy", &allow_list, "--set", "allow=x", "--set", "alow=x"],
            &["no policy has a setting alow", "allow-list.allow"],
        ),
        (
            &["resolve", DEMO, "--policy", &allow_list, "--policy", &allow_list, "--set", "allow=x"],
            &[
                "the setting allow can be that of policy 1 (allow-list) or policy 2 (allow-list)",
                "say which: 1.allow or 2.allow",
            ],
        ),
        (
            &["resolve", DEMO, "--policy", &allow_list, "--policy", &allow_list, "--set", "2.allow=x"],
            &["the policy allow-list needs the setting allow", "add --set 1.allow=…"],
        ),
        (
            &["resolve", DEMO, "--policy", &allow_list, "--set", "2.allow=x"],
            &["no policy has a setting 2.allow", "there are allow-list.allow"],
        ),
        (
            &["resolve", DEMO, "--policy", &allow_list, "--set", "allow=a b"],
            &["allow-list", "the setting allow", "\"a b\""],
        ),
        (
            &["create", "oci-layout:tests/fixtures/demo:single", "--dry-run", "--publish-set", "oci=yes"],
            &["the setting oci is true or false"],
        ),
        (&["resolve", DEMO, "--compile-time", "60"], &["--compile-time", "a number with s, m, h or d"]),
        (&["inspect", DEMO, "--raw", "--manifest"], &["cannot be used with", "try: refkit inspect --help"]),
    ];
    for (arguments, parts) in rows {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == 2 && ran.stdout.is_empty(), "{arguments:?}: {}", ran.all());
        assert!(arguments.is_empty() || (1..=3).contains(&ran.stderr.lines().count()), "{arguments:?}: {}", ran.stderr);
        for part in parts {
            assert!(ran.stderr.contains(part), "{arguments:?}: {part}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_file_with_the_name_of_an_image_is_mentioned() {
    let ran = refkit(["resolve", "tests/fixtures/demo/oci-layout:X:Y"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let ran = refkit(["resolve", "Cargo.toml"]);
    // No image has a name with upper case; the file exists.
    assert!(ran.code == 2 && ran.stderr.contains("for the file, write ./Cargo.toml"), "{}", ran.all());
}

#[test]
fn a_bad_value_of_a_setting_is_an_error_of_the_command_line() {
    let layout = format!("{DEMO}:latest");
    // the policy, its settings, a part of the message
    let resolving: [(&str, &[&str], &str); 6] = [
        ("allow-list", &["allow=a b"], "the setting allow"),
        ("newest-tag", &["range=newest"], "the setting range"),
        ("newest-tag", &["range=^1", "repositories=a b"], "the setting repositories"),
        ("require-label", &["label==blue"], "the setting label"),
        ("redirect", &["from=a b", "to=mirror.test"], "the setting from"),
        ("redirect", &["from=oci-layout", "to=mirror.test/A"], "redirected to mirror.test/A"),
    ];
    let publishing: [(&str, &[&str], &str); 1] = [("require-annotations", &["add=title"], "the setting add")];
    let [resolving, publishing] = [&resolving[..], &publishing]
        .map(|rows| rows.iter().map(|(name, settings, part)| (policy(name), *settings, *part)).collect::<Vec<_>>());
    let commands = [
        (&["resolve", &layout, "--platform", "linux/arm64"][..], "--policy", "--set", resolving),
        (&["create", &layout, "--dry-run"], "--publish-policy", "--publish-set", publishing),
    ];
    for (command, option, set, rows) in commands {
        for (file, settings, part) in rows {
            let settings = settings.iter().flat_map(|setting| [set, setting]);
            let ran = refkit(command.iter().copied().chain([option, &file]).chain(settings));
            assert!(ran.code == 2 && ran.stdout.is_empty(), "{file} {part}: {}", ran.all());
            assert!(ran.stderr.contains(part), "{file} {part}: {}", ran.all());
        }
    }
}

/// A policy of one kind that is named with the option for the other.
#[test]
fn policies_of_the_other_kind() {
    let (layout, allow, immutable) = (format!("{DEMO}:latest"), policy("allow-list"), policy("immutable-tags"));
    let rows = [
        (vec!["resolve", &layout, "--policy", &immutable], "a policy that publishes is named with --publish-policy"),
        (
            vec!["create", &layout, "--dry-run", "--publish-policy", &allow],
            "a policy that decides about sources is named with --policy",
        ),
    ];
    for (arguments, hint) in rows {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == 1 && ran.stderr.contains(hint), "{arguments:?}: {}", ran.all());
    }
}

#[test]
fn a_limit_of_the_command_line_holds() {
    let layout = format!("{DEMO}:latest");
    // the arguments, parts of standard error
    let rows: [(&[&str], &str, &str); 3] = [
        (&["resolve", &layout, "--limit", "calls=0"], "limit of 0 calls is used up", "raise it with --limit"),
        (
            &["create", &layout, "--dry-run", "--limit", "calls=0"],
            "limit of 0 calls is used up",
            "raise it with --limit",
        ),
        (&["resolve", &layout, "--limit", "depth=0", "--limit", "depth=8", "--limit", "calls=0"], "0 calls", "--limit"),
    ];
    for (arguments, limit, hint) in rows {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == 1 && ran.text().is_empty(), "{arguments:?}: {}", ran.all());
        assert!(ran.stderr.contains(limit) && ran.stderr.contains(hint), "{arguments:?}: {}", ran.all());
    }
    let ran = refkit(["resolve", &layout, "--limit", "calls=50", "--limit", "time=9s", "--explain"]);
    assert!(ran.stderr.contains(" / 50\n") && ran.stderr.contains(" / 9 s\n"), "{}", ran.all());
}

#[test]
fn help_is_no_error() {
    for arguments in [&["--help"][..], &["--version"], &["resolve", "--help"], &["inspect", "--help"]] {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == 0 && ran.stderr.is_empty() && !ran.stdout.is_empty(), "{arguments:?}: {}", ran.all());
    }
}

/// A policy that fails as `invalid` after it has asked may mean the content: that is no error of the command line.
#[test]
fn what_a_policy_finds_invalid_later_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let hostile = directory.path().join("hostile.wasm");
    std::fs::write(&hostile, refkit_tests::components::HOSTILE).unwrap();
    let hostile = hostile.display().to_string();
    let ran = refkit(["resolve", DEMO, "--policy", &hostile, "--set", "mode=nonsense"]);
    assert!(ran.code == 1 && ran.stderr.contains("there is no mode nonsense"), "{}", ran.all());
}

#[test]
fn a_full_standard_output_is_a_failure() {
    let program = refkit_support::command().unwrap();
    // the redirection, arguments, the exit code, a part of the message
    let rows = [
        (">/dev/full", "resolve oci-layout:tests/fixtures/demo", 1, "cannot write the answer"),
        (">&-", "resolve", 2, "the following required arguments"),
        (">/dev/null", "resolve oci-layout:tests/fixtures/demo", 0, ""),
        // As some programs start others whose output they do not want.
        ("1<>/dev/null", "resolve oci-layout:tests/fixtures/demo", 0, ""),
        ("<&-", "resolve oci-layout:tests/fixtures/demo", 0, ""),
    ];
    for (redirection, arguments, code, part) in rows {
        let line = format!("exec '{}' {arguments} {redirection}", program.display());
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", &line]).env_clear().env("HOME", home());
        let ran = command.current_dir(refkit_support::workspace_root()).output().unwrap();
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.code() == Some(code) && stderr.contains(part), "{line}: {:?}: {stderr}", ran.status);
        assert_eq!(part.is_empty(), stderr.is_empty(), "{line}: {stderr}");
    }
}
