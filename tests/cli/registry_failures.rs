//! Registries that fail, refuse or lie: exit code 1, and the reason and the remedy in at most three lines.

use std::net::TcpListener;

use refkit_support::{Access, Authority, Fault, FaultRegistry, Nginx, Rule};

use crate::places::{demo_image, fill};
use crate::run::{EVIL, fails, is_plain, refkit};

#[test]
fn each_failure_has_a_reason_and_a_host() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.0.0"]);
    let image = |tag: &str| format!("{}/demo/app:{tag}", registry.host());
    let ran = refkit(["resolve", &image("9.9.9")]);
    assert!(fails(&ran).contains("cannot resolve 127.0.0.1:[PORT]/demo/app:9.9.9") && ran.stderr.contains("not found"));
    registry.require(Access::basic("user", "password"));
    let ran = refkit(["inspect", &image("1.0.0")]);
    assert!(fails(&ran).contains("try: docker login 127.0.0.1:[PORT]"), "{}", ran.stderr);
    registry.require(Access::open());
    // the fault, the message
    let rows = [
        (Fault::status(429).header("retry-after", "3000"), "limits requests"),
        (
            Fault::status(429).header("retry-after", "3000").body(r#"{"errors":[{"message":"100 pulls a day"}]}"#),
            "limits requests: 100 pulls a day",
        ),
        (Fault::status(503).body("sorry"), "unavailable"),
        (Fault::status(200).header("content-type", "text/html").body("<!DOCTYPE html>"), "an HTML page"),
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

/// A login page is no image, so the command does not pin it.
#[test]
fn a_login_page_is_not_resolved() {
    let registry = FaultRegistry::start().unwrap();
    let page = Fault::status(200).header("content-type", "text/html; charset=utf-8").body("<html>log in</html>");
    registry.add(Rule::on("*", page.header("docker-content-digest", demo_image("1.0.0").digest().as_str())));
    let ran = refkit(["resolve", &format!("{}/demo/app:1.0.0", registry.host())]);
    assert!(fails(&ran).contains("it answers with an HTML page instead of a manifest"), "{}", ran.stderr);
}

/// The command does not pin a manifest of schema 1 unread, and does not attribute the failure to the policy.
#[test]
fn schema_1_is_refused_with_a_remedy() {
    let registry = FaultRegistry::start().unwrap();
    let body = r#"{"schemaVersion":1,"name":"a","tag":"1","fsLayers":[],"history":[]}"#;
    registry.put_manifest("a", Some("1"), "application/vnd.docker.distribution.manifest.v1+prettyjws", body.to_owned());
    for more in [&[][..], &["--platform", "linux/amd64"]] {
        let reference = format!("{}/a:1", registry.host());
        let ran = refkit(["resolve", &reference].into_iter().chain(more.iter().copied()));
        let said = fails(&ran);
        assert!(said.contains("a Docker manifest of schema 1: push the image again"), "{said}");
        assert!(!said.contains("the policy default"), "{said}");
    }
}

#[test]
fn an_unreachable_registry() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = refkit(["resolve", &format!("127.0.0.1:{port}/a")]);
    assert!(fails(&ran).contains("cannot resolve 127.0.0.1"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("--plain-http"), "it is asked without TLS already: {}", ran.stderr);
}

/// The hint for each kind of refused certificate, and for a host with the other protocol.
#[test]
fn each_failure_has_its_hint() {
    let (registry, authority) = (FaultRegistry::start().unwrap(), Authority::new().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let settings = directory.path().join("refkit.toml");
    let ask = |front: &str, table: &str| {
        std::fs::write(&settings, format!("[registry.\"{front}\"]\n{table}\n")).unwrap();
        let ran = refkit(["resolve", "--settings", settings.to_str().unwrap(), &format!("{front}/a")]);
        fails(&ran)
    };
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let named = authority.server_named(["reg.test"]).unwrap();
    let named = Nginx::before(&registry.host()).tls(&authority).certificate(named).start().unwrap();
    let front = Nginx::before(&registry.host()).tls(&authority).start().unwrap();
    let said = ask(&front.host(), "http = false");
    assert!(
        said.contains("the certificate of 127.0.0.1:[PORT] is refused: no trusted authority has signed it"),
        "{said}"
    );
    assert!(said.contains("ca = \"FILE\" below [registry.\"127.0.0.1:[PORT]\"]") && !said.contains("plain"), "{said}");
    let said = ask(&named.host(), &format!("http = false\nca = \"{}\"", ca.display()));
    assert!(said.contains("it is for reg.test, and not for 127.0.0.1"), "{said}");
    assert!(said.contains("use a name that the certificate is for"), "{said}");
    let said = ask(&front.host(), "http = true");
    assert!(
        said.contains("the request was without TLS, and it seems to require TLS")
            && said.contains("write http = false"),
        "{said}"
    );
    let said = ask(&registry.host(), "http = false");
    assert!(
        said.contains("the request was with TLS, and it seems not to support TLS") && said.contains("add --plain-http"),
        "{said}"
    );
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
