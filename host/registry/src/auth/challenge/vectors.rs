//! Challenges from the tests of five other clients: for each header, the challenges that this client finds, and the
//! reason where the other clients do not agree with each other or with this one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../../../../../tests/fixtures/vectors/www_authenticate.json");

/// The challenges that a header yields.
#[derive(Debug, Clone, Copy)]
enum Want {
    Nothing,
    Basic,
    /// Realm, service and scope; an empty text for an absent one.
    Bearer(&'static str, &'static str, &'static str),
    Both(&'static str, &'static str, &'static str),
}
use Want::{Basic, Bearer as Token, Both, Nothing};

const DOCKER: &str = "https://auth.docker.io/token";
const EXAMPLE: &str = "https://auth.example.io/token";
const HELLO: &str = "repository:library/hello-world:pull,push";

/// The rules that the reasons below refer to.
const GRAMMAR: &str = "it is what RFC 9110 says, whatever others make of it";
const BASIC_HOLDS: &str = "what follows `Basic` is a label for people: the password goes to the host that asks for it";
const NOT_GUESSED: &str = "a client must not guess from a truncated header where a password goes";
const EMPTY_ELEMENT: &str = "an empty element of a list counts for nothing, as RFC 9110, section 5.6.1";

/// Each header, its challenges, and the reason where clients differ.
const DECISIONS: [(&str, Want, &str); 39] = [
    ("", Nothing, GRAMMAR),
    ("foo bar", Nothing, "an unknown scheme, in a header that is also malformed"),
    (r#"Basic realm="Test Registry""#, Basic, ""),
    ("Basic", Basic, ""),
    ("Basic  ", Basic, ""),
    (
        r#"Bearer realm="https://auth.example.io/token",service="registry.example.io",scope="repository:library/hello-world:pull,push""#,
        Token(EXAMPLE, "registry.example.io", HELLO),
        "",
    ),
    (
        r#"Bearer realm="https://auth.example.io/token",service="registry.example.io",scope="repository:library/alpine:pull,push repository:ubuntu:pull""#,
        Token(EXAMPLE, "registry.example.io", "repository:library/alpine:pull,push repository:ubuntu:pull"),
        "",
    ),
    ("Bearer", Nothing, ""),
    ("Bearer  ", Nothing, ""),
    (
        r#"Bearer realm = "https://auth.example.io/token"   ,service=registry.example.io, scope  ="repository:library/hello-world:pull,push"  "#,
        Token(EXAMPLE, "registry.example.io", HELLO),
        "spaces around = and , are bad manners that RFC 9110 has recipients accept (BWS)",
    ),
    (
        r#"Bearer realm="https://auth.example.io/token",service"#,
        Token(EXAMPLE, "", ""),
        "by the grammar `service` is a second challenge, of an unknown scheme; the first one is whole",
    ),
    (r#"Bearer realm="https://auth.example.io/token",service="#, Nothing, NOT_GUESSED),
    (r#"Bearer realm="https://auth.example.io/token",service= "#, Nothing, NOT_GUESSED),
    (r#"Bearer realm="https://auth.example.io/token",service="registry"#, Nothing, NOT_GUESSED),
    (
        r#"Bearer realm="https://auth.example.io/token",empty="",service="registry.example.io",scope="repository:library/hello-world:pull,push""#,
        Token(EXAMPLE, "registry.example.io", HELLO),
        "an empty quoted string is a value; only one parser stops at it",
    ),
    (r#"Bearer foo="foo\"bar",hello="\"hello world\"""#, Nothing, ""),
    (
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:docker/docker:pull""#,
        Token(DOCKER, "registry.docker.io", "repository:docker/docker:pull"),
        "",
    ),
    (r#"Basic realm="GitHub Package Registry""#, Basic, ""),
    (r#"BaSiC ReAlM="Case insensitive key""#, Basic, ""),
    ("Basic realm=unquoted", Basic, ""),
    ("Basic realm=/", Basic, BASIC_HOLDS),
    (r#"Basic realm="Dev", charset="UTF-8""#, Basic, ""),
    (
        r#""Basic" "realm"=/"#,
        Nothing,
        "a scheme is a token and never quoted; one client takes it, and no registry is known to send it",
    ),
    (
        r#"Bearer realm="https://auth.docker.io/token", service="registry.docker.io", scope="repository:docker/docker:pull", Basic realm="GitHub Package Registry""#,
        Both(DOCKER, "registry.docker.io", "repository:docker/docker:pull"),
        "one header may hold several challenges; parsers of a single one read the second as a parameter",
    ),
    (r#"Basic realm="Dev" charset="UTF-8""#, Basic, BASIC_HOLDS),
    (r#"Basic realm="GitHub Package Registry"#, Basic, BASIC_HOLDS),
    (r#"Basic realm="GitHub Package Registry\\"#, Basic, BASIC_HOLDS),
    (
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull""#,
        Token(DOCKER, "registry.docker.io", "repository:library/busybox:pull"),
        "",
    ),
    (
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/busybox:pull,push""#,
        Token(DOCKER, "registry.docker.io", "repository:library/busybox:pull,push"),
        "",
    ),
    // The parser does not decide whether the client may send a request there: see `redirect::policy`.
    (
        r#"Bearer realm="http://127.0.0.1:5000/openshift/token""#,
        Token("http://127.0.0.1:5000/openshift/token", "", ""),
        "",
    ),
    (
        r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",other=fun,slashed="he\"\l\lo""#,
        Token("https://auth.example.com/token", "registry.example.com", ""),
        "",
    ),
    (
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:foo/bar:pull,push""#,
        Token(DOCKER, "registry.docker.io", "repository:foo/bar:pull,push"),
        "",
    ),
    (
        r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:foo/bar:pull,push repository:foo/baz:pull repository:foo/foo:push""#,
        Token(
            DOCKER,
            "registry.docker.io",
            "repository:foo/bar:pull,push repository:foo/baz:pull repository:foo/foo:push",
        ),
        "",
    ),
    ("Negotiate", Nothing, "this client does not speak Kerberos"),
    (r#"Negotiate, Basic realm="x""#, Basic, "the client skips an unknown scheme, and reads the challenge after it"),
    (r#"Basic realm="x", Bearer realm="https://a/t",service="s""#, Both("https://a/t", "s", ""), GRAMMAR),
    (
        r#"Bearer realm="https://a/t" service="s""#,
        Nothing,
        "without the comma the parameters run into each other, and the service is part of who is asked for what",
    ),
    (r#"Bearer realm="https://a/t",,service="s""#, Token("https://a/t", "s", ""), EMPTY_ELEMENT),
    (r#",Bearer realm="x""#, Token("x", "", ""), EMPTY_ELEMENT),
];

fn headers(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (WWW_AUTHENTICATE, value.parse().expect("a value"))).collect()
}

fn token(realm: &str, service: &str, scope: &str) -> Challenge {
    let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Challenge::Bearer(Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope) })
}

fn wanted(want: Want) -> Vec<Challenge> {
    match want {
        Nothing => vec![],
        Basic => vec![Challenge::Basic],
        Token(realm, service, scope) => vec![token(realm, service, scope)],
        Both(realm, service, scope) => vec![token(realm, service, scope), Challenge::Basic],
    }
}

/// Returns the challenges that the client of a row finds in its header, in this client's terms.
fn upstream(row: &Value) -> Vec<Challenge> {
    if row["expect_err"] == true {
        return Vec::new();
    }
    let list = row["expect"].as_array().expect("what is expected");
    let mut all: Vec<Challenge> = list
        .iter()
        .filter_map(|one| {
            let text = |name: &str| one["params"][name].as_str().unwrap_or_default();
            match one["scheme"].as_str() {
                Some("basic") => Some(Challenge::Basic),
                Some("bearer") if !text("realm").is_empty() => {
                    Some(token(text("realm"), text("service"), text("scope")))
                }
                _ => None,
            }
        })
        .collect();
    all.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
    all
}

#[test]
fn every_header_is_decided_on() {
    let file: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let disputed = file["headers_where_parsers_disagree"].as_array().expect("headers");
    let rows = file["tests"].as_array().expect("rows");
    let mut seen = BTreeSet::new();
    for header in rows.iter().map(|row| &row["header"]).chain(disputed) {
        let text = header.as_str().expect("text");
        let decisions: Vec<_> = DECISIONS.iter().filter(|(of, ..)| *of == text).collect();
        let [(_, want, reason)] = decisions[..] else { panic!("one decision on {text:?}, not {}", decisions.len()) };
        let found = challenges(&headers(&[text]));
        assert_eq!(found, wanted(*want), "{text:?}");
        // The row lists only a part of the challenges that its client finds.
        let told = rows.iter().filter(|row| &row["header"] == header && row.get("expect_subset").is_none());
        let agreed = told.map(upstream).all(|theirs| theirs == found) && !disputed.contains(header);
        assert_eq!(reason.is_empty(), agreed, "a reason where there is a choice, and only there: {text:?}");
        seen.insert(text);
    }
    assert_eq!(seen.len(), DECISIONS.len(), "a decision on something that is in no row");
    assert_eq!((rows.len(), disputed.len()), (34, 20));
    let parts: Vec<_> = rows.iter().filter(|row| row.get("expect_subset").is_some()).collect();
    let [part] = parts[..] else { panic!("one row tells a part") };
    let Some(Challenge::Bearer(found)) = challenges(&headers(&[part["header"].as_str().expect("text")])).pop() else {
        panic!("it is a Bearer");
    };
    assert_eq!(found.service.as_deref(), part["expect_subset"]["service"].as_str());
}

#[test]
fn headers_that_nobody_has_a_test_for() {
    let long = format!("Bearer realm=\"https://a/t\",x=\"{}\"", "x".repeat(LIMIT));
    let rows: [(&[&str], Want); 14] = [
        (&[], Nothing),
        (&[r#"Basic realm="x""#, r#"Bearer realm="t""#], Both("t", "", "")),
        (&[r#"Bearer realm="t"#, r#"Basic realm="x""#], Basic),
        (&[r#"Negotiate abc="#, r#"Bearer realm="t",service="s""#], Token("t", "s", "")),
        // Without a realm there is no token server.
        (&[r#"Bearer service="s""#], Nothing),
        (&[r#"Bearer realm="""#], Nothing),
        (&[r#"Bearer realm="https://a/t",service="""#], Token("https://a/t", "", "")),
        // With a repeated parameter, a client could check one value and use the other.
        (&[r#"Bearer realm="https://a/t",realm="https://b/t""#], Nothing),
        (&[r#"Bearer realm="https://a/t",REALM="https://a/t""#], Nothing),
        (&[r#"Bearer realm="https://a/t",service="a",service="b""#], Nothing),
        (&[r#"Bearer realm="https://a/t",x="1",x="2""#], Token("https://a/t", "", "")),
        (&[r#"Bearer realm=https://a/t"#], Nothing),
        (&["Basics realm=/"], Nothing),
        (&[&long], Nothing),
    ];
    for (values, want) in rows {
        assert_eq!(challenges(&headers(values)), wanted(want), "{values:?}");
    }
    let unprintable = [(WWW_AUTHENTICATE, http::HeaderValue::from_bytes(b"Basic realm=\"\xff\"").expect("a value"))];
    assert_eq!(challenges(&unprintable.into_iter().collect()), []);
}
