//! Registries that fail, refuse or lie: exit code 1, and what, where, and what to do next in at most three lines.

use std::net::TcpListener;

use refkit_support::{Access, Fault, FaultRegistry, Rule};

use crate::places::fill;
use crate::run::{EVIL, fails, is_plain, refkit};

#[test]
fn each_says_what_and_where() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.0.0"]);
    let image = |tag: &str| format!("{}/demo/app:{tag}", registry.host());
    let ran = refkit(["resolve", &image("9.9.9")]);
    assert!(fails(&ran).contains("cannot resolve 127.0.0.1:[PORT]/demo/app:9.9.9") && ran.stderr.contains("not found"));
    registry.require(Access::basic("user", "password"));
    let ran = refkit(["inspect", &image("1.0.0")]);
    assert!(fails(&ran).contains("try: docker login 127.0.0.1:[PORT]"), "{}", ran.stderr);
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
fn messages_are_text() {
    let registry = FaultRegistry::start().unwrap();
    let body = serde_json::json!({ "errors": [{ "code": "DENIED", "message": EVIL }] }).to_string();
    registry.add(Rule::on("*", Fault::status(403).body(body)));
    let reference = format!("{}/demo/app:evil", registry.host());
    for arguments in [&["resolve", &reference][..], &["inspect", &reference], &["inspect", &reference, "--explain"]] {
        let ran = refkit(arguments.iter().copied());
        assert!(ran.code == 1 && is_plain(ran.text()) && is_plain(&ran.stderr), "{}", ran.all());
        assert!(ran.stderr.contains("error: all is well"), "the message is told: {}", ran.stderr);
        assert!(!ran.stderr.lines().any(|line| line.starts_with("error: all is well")), "{}", ran.stderr);
    }
}
