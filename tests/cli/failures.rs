//! What cannot be had: exit code 1, and what, where, and what to do next in at most three lines.

use std::io::Read;
use std::net::TcpListener;

use refkit_support::{Access, Fault, FaultRegistry, Rule};

use crate::places::fill;
use crate::run::{DEMO, Ran, Refkit, refkit, wait};

#[track_caller]
fn fails(ran: &Ran) -> String {
    assert!(ran.code == 1 && ran.stdout.is_empty(), "{}", ran.all());
    assert!((1..=3).contains(&ran.stderr.lines().count()), "{}", ran.stderr);
    for trace in ["panicked", "backtrace", "Error {", "Some(", "\\\""] {
        assert!(!ran.stderr.contains(trace), "{trace}: {}", ran.stderr);
    }
    ran.all()
}

#[test]
fn layouts() {
    insta::assert_snapshot!(fails(&refkit(["resolve", "oci-layout:no/such/layout"])), @"");
    insta::assert_snapshot!(fails(&refkit(["resolve", &format!("{DEMO}:9.9.9")])), @"");
    insta::assert_snapshot!(fails(&refkit(["resolve", "oci-layout:wit"])), @"");
    insta::assert_snapshot!(fails(&refkit(["inspect", "./LICENSE"])), @"");
}

#[test]
fn policies() {
    let resolve = |file: &str| refkit(["resolve", DEMO, "--policy", file]);
    insta::assert_snapshot!(fails(&resolve("no/such/policy.wasm")), @"");
    insta::assert_snapshot!(fails(&resolve("LICENSE")), @"");
    insta::assert_snapshot!(fails(&resolve("wit")), @"");
}

#[test]
fn registries() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.0.0"]);
    let image = |tag: &str| format!("{}/demo/app:{tag}", registry.host());
    insta::assert_snapshot!(fails(&refkit(["resolve", &image("9.9.9")])), @"");
    registry.require(Access::basic("user", "password"));
    insta::assert_snapshot!(fails(&refkit(["inspect", &image("1.0.0")])), @"");
    registry.require(Access::open());
    // rows: fault, what is said
    let rows = [
        (Fault::status(429).header("retry-after", "3000"), "limits requests"),
        (Fault::status(503).body("sorry"), "unavailable"),
        (Fault::status(403).body(r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#), "not you"),
        (Fault::normal().body("{}"), "digest"),
        (Fault::normal().cut_after(10), "error: "),
        (Fault::hang_up(), "unavailable"),
    ];
    for (fault, said) in rows {
        registry.clear_rules();
        registry.add(Rule::on("GET *", fault));
        let ran = refkit(["inspect", &image("1.0.0")]);
        assert!(fails(&ran).contains(said), "{said}: {}", ran.stderr);
    }
}

#[test]
fn a_registry_that_is_not_there() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = refkit(["resolve", &format!("127.0.0.1:{port}/a")]);
    assert!(fails(&ran).contains("cannot resolve 127.0.0.1"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Refkit::new(["inspect", DEMO, "--layers"]).spawn();
    drop(child.stdout.take());
    let mut messages = String::new();
    child.stderr.take().unwrap().read_to_string(&mut messages).unwrap();
    assert_eq!((wait(&mut child), messages.as_str()), (0, ""));
}

#[test]
fn an_answer_that_cannot_be_written_is_one() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let program = refkit_support::command().unwrap();
    let layout = refkit_support::fixture("demo");
    let mut command = std::process::Command::new(program);
    let command = command.args(["resolve", &format!("oci-layout:{}", layout.display())]).env_clear().stdout(full);
    let output = command.output().unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && messages.starts_with("error: cannot write the answer"), "{messages}");
}
