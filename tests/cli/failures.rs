//! Failures: exit code 1, and the reason and the remedy in at most three lines.

use std::io::Read;

use crate::run::{DEMO, Refkit, fails, refkit, wait};

#[test]
fn layouts() {
    insta::assert_snapshot!(fails(&refkit(["resolve", "oci-layout:no/such/layout"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot open no/such/layout: not found
    ");
    insta::assert_snapshot!(fails(&refkit(["resolve", &format!("{DEMO}:9.9.9")])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot resolve oci-layout/demo:9.9.9 at tests/fixtures/demo: not found
      the layout has 1.0.0, 1.1.0, 1.2.3, 2.0.0-rc.1, latest, single, unlabelled
    ");
    insta::assert_snapshot!(fails(&refkit(["resolve", "oci-layout:wit"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot open wit: it is not an OCI image layout: there is no file `oci-layout`
    ");
    let ran = refkit(["inspect", "./LICENSE"]);
    assert!(fails(&ran).contains("cannot open ./LICENSE: "), "{}", ran.stderr);
}

#[test]
fn policies() {
    let resolve = |file: &str| refkit(["resolve", DEMO, "--policy", file]);
    insta::assert_snapshot!(fails(&resolve("no/such/policy.wasm")), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot read the policy no/such/policy.wasm: No such file or directory
    ");
    insta::assert_snapshot!(fails(&resolve("LICENSE")), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the policy LICENSE: not a WebAssembly component: it does not begin with the four bytes of WebAssembly
    ");
    insta::assert_snapshot!(fails(&resolve("wit")), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot read the policy wit: Is a directory
    ");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Refkit::new(["inspect", DEMO, "--layers"]).spawn();
    drop(child.stdout.take());
    let mut messages = String::new();
    child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
    assert_eq!((wait(&mut child), messages.as_str()), (0, ""));
}

#[test]
fn a_failed_write_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let program = refkit_support::command().unwrap();
    let layout = refkit_support::fixture("demo");
    let mut command = std::process::Command::new(program);
    let command = command.args(["resolve", &format!("oci-layout:{}", layout.display())]).env_clear().stdout(full);
    let output = command.output().unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && messages.starts_with("error: cannot write the answer"), "{messages}");
}
