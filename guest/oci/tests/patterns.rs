//! Patterns of references: their meaning, their matches, and malformed ones.

use refkit_oci::pattern::{Pattern, PatternError};
use refkit_oci::{Reference, Repository};

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap_or_else(|error: PatternError| panic!("{error}"))
}

fn matches(text: &str, reference: &str) -> bool {
    pattern(text).matches(&Reference::parse(reference).unwrap())
}

#[test]
fn patterns_have_a_normal_form() {
    let rows = [
        ("*", "**"),
        ("**", "**"),
        ("*:3.*", "**:3.*"),
        ("alpine", "docker.io/library/alpine"),
        ("alp*:3.*", "docker.io/library/alp*:3.*"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("docker.io/*", "docker.io/library/*"),
        ("docker.io/**", "docker.io/**"),
        ("index.docker.io/*", "docker.io/library/*"),
        ("index.docker.io/team/*", "docker.io/team/*"),
        ("foo/bar", "docker.io/foo/bar"),
        ("team/*", "docker.io/team/*"),
        ("team/**", "docker.io/team/**"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/*", "localhost:5000/*"),
        ("localhost:*/app:*", "localhost:*/app:*"),
        ("Foo/bar", "foo:443/bar"),
        ("FOO:443/bar", "foo:443/bar"),
        ("GHCR.io/*", "ghcr.io/*"),
        ("ghcr.io:443/*", "ghcr.io/*"),
        ("ghcr.io:0443/*", "ghcr.io/*"),
        ("ghcr.io:80/*", "ghcr.io:80/*"),
        ("registry-1.docker.io/*", "docker.io/library/*"),
        ("registry.hub.docker.com:443/team/*", "docker.io/team/*"),
        ("*.Example.com:443/app", "*.example.com/app"),
        ("localhost:443/app", "localhost:443/app"),
        ("[0:0::1]:5000/*", "[::1]:5000/*"),
        ("*/app", "*/app"),
        ("**/app", "**/app"),
        ("*.example.com/**", "*.example.com/**"),
        ("[::1]:5000/*", "[::1]:5000/*"),
        ("[*]:5000/app", "[*]:5000/app"),
        // A single name is a repository of docker.io, as in a reference.
        ("ghcr.io", "docker.io/library/ghcr.io"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
    ];
    for (text, normal) in rows {
        assert_eq!(pattern(text).to_string(), normal, "{text}");
        assert_eq!(pattern(normal), pattern(text), "{text}");
    }
    let with_digest = format!("alpine:3@{A}");
    assert_eq!(pattern(&with_digest).to_string(), format!("docker.io/library/{with_digest}"));
}

#[test]
fn names() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("*", &["alpine", "ghcr.io/a/b/c", "localhost:5000/app", "[::1]/app"], &[]),
        ("**", &["alpine", "ghcr.io/a/b/c", "localhost:5000/app", "[::1]/app"], &[]),
        (
            "alpine",
            &["alpine", "docker.io/alpine:edge", "index.docker.io/library/alpine"],
            &[
                "alpine-evil",
                "alpin",
                "user/alpine",
                "ghcr.io/library/alpine",
                "alpine/x",
                "docker.io/library/x/alpine",
            ],
        ),
        ("alp*", &["alpine", "alp", "alpen-glow"], &["al", "alp/x", "xalp"]),
        ("*pine", &["alpine", "pine"], &["pines", "user/pine"]),
        ("a*p*e", &["alpine", "ape", "appe"], &["alpin", "ae"]),
        (
            "docker.io/library/*",
            &["alpine"],
            &["user/alpine", "docker.io/library/a/b", "docker.io.evil.test/library/a"],
        ),
        ("docker.io/**", &["alpine", "user/app", "docker.io/a/b/c"], &["ghcr.io/a", "docker.io.evil.test/a"]),
        ("ghcr.io/team/*", &["ghcr.io/team/app"], &["ghcr.io/team", "ghcr.io/team/app/x", "ghcr.io/teams/app"]),
        (
            "ghcr.io/team/**",
            &["ghcr.io/team/app", "ghcr.io/team/a/b", "ghcr.io/team"],
            &["ghcr.io/teams/app", "team/app"],
        ),
        ("ghcr.io/**/app", &["ghcr.io/app", "ghcr.io/a/app", "ghcr.io/a/b/app"], &["ghcr.io/a/app/b", "ghcr.io/xapp"]),
        ("ghcr.io/**/a/**/b", &["ghcr.io/a/b", "ghcr.io/x/a/a/y/b/b"], &["ghcr.io/b/a", "ghcr.io/a/x"]),
        ("ghcr.io/*/app", &["ghcr.io/a/app"], &["ghcr.io/app", "ghcr.io/a/b/app"]),
        ("*/app", &["ghcr.io/app", "localhost:5000/app"], &["app", "ghcr.io/a/app", "user/app"]),
        ("**/app", &["ghcr.io/app", "app", "ghcr.io/a/b/app"], &["ghcr.io/app/x", "ghcr.io/my-app"]),
        (
            "*.example.com/app",
            &["a.example.com/app", "a.b.example.com/app"],
            &[
                "example.com/app",
                "a.example.com:5000/app",
                "a.example.com.evil.test/app",
                "evil.test/a.example.com/app",
                "a.example.com/x/app",
            ],
        ),
        ("localhost:*/app", &["localhost:5000/app"], &["localhost/app", "localhost:5000/a/app"]),
        ("Foo.test/app", &["Foo.test/app", "foo.test/app", "FOO.TEST:443/app"], &["foo.test:5000/app"]),
        ("foo.test:443/app", &["foo.test/app", "foo.test:0443/app"], &["foo.test:80/app"]),
        ("*.test:443/app", &["foo.test/app", "foo.test:443/app"], &["foo.test:5000/app"]),
        ("registry-1.docker.io/library/*", &["alpine", "index.docker.io/alpine"], &["user/alpine"]),
        ("Foo/app", &["FOO/app", "foo:443/app"], &["foo:5000/app", "foo/app"]),
    ];
    for (text, yes, no) in rows {
        for (names, expected) in [(yes, true), (no, false)] {
            for name in *names {
                assert_eq!(matches(text, name), expected, "{text} and {name}");
                let repository = Reference::parse(name).unwrap().repository().clone();
                assert_eq!(pattern(text).matches_repository(&repository), expected, "{text} and {repository}");
            }
        }
    }
    let layout = Repository::new("oci-layout", "image").unwrap();
    assert!(pattern("*/image").matches_repository(&layout));
    // The form in a denial. A reference with the same text is at docker.io, and does not match.
    assert!(pattern("oci-layout/image").matches_repository(&layout));
    assert!(!matches("oci-layout/image", "oci-layout/image"));
    assert!(!pattern("docker.io/oci-layout/image").matches_repository(&layout));
}

#[test]
fn tags_and_digests() {
    let pinned = |name: &str, digest: &str| format!("{name}@{digest}");
    let rows = [
        ("alpine:3.*".to_owned(), "alpine:3.20".to_owned(), true),
        ("alpine:3.*".into(), "alpine:3.".into(), true),
        ("alpine:3.*".into(), "alpine:30".into(), false),
        ("alpine:3.*".into(), "alpine".into(), false),
        ("alpine:latest".into(), "alpine".into(), true),
        ("alpine:*".into(), "alpine:edge".into(), true),
        ("alpine:*".into(), pinned("alpine", A), false),
        ("alpine:v*-slim".into(), "alpine:v1-slim".into(), true),
        ("alpine:v*-slim".into(), "alpine:v1-slim-x".into(), false),
        ("alpine:A".into(), "alpine:a".into(), false),
        ("alpine".into(), pinned("alpine:3.20", A), true),
        ("alpine".into(), pinned("alpine", A), true),
        // The digest decides: an allowed tag before it proves nothing.
        ("alpine:3.*".into(), pinned("alpine:3.20", A), false),
        (pinned("alpine", A), pinned("alpine", A), true),
        (pinned("alpine", A), pinned("alpine:3.20", A), true),
        (pinned("alpine", A), pinned("alpine", B), false),
        (pinned("alpine", A), "alpine:3.20".into(), false),
        (pinned("alpine:3.*", A), pinned("alpine:3.20", A), true),
        (pinned("alpine:3.*", A), pinned("alpine:2.7", A), false),
        (pinned("alpine:3.*", A), pinned("alpine", A), false),
        (pinned("*", A), pinned("ghcr.io/a/b", A), true),
        ("*:3.*".into(), "ghcr.io/a/b:3.1".into(), true),
    ];
    for (text, reference, expected) in rows {
        assert_eq!(matches(&text, &reference), expected, "{text} and {reference}");
    }
    let alpine = Repository::parse("alpine").unwrap();
    for (text, whole) in [("alpine".to_owned(), true), ("alpine:*".into(), false), (pinned("alpine", A), false)] {
        assert_eq!(pattern(&text).matches_repository(&alpine), whole, "{text}");
    }
}

#[test]
fn invalid_patterns() {
    let rows = [
        ("", "no repository name"),
        (":3", "no repository name"),
        ("UPPER CASE", "upper-case"),
        ("a b", "path is malformed"),
        ("ghcr.io/", "path is malformed"),
        ("/app", "path is malformed"),
        ("ghcr.io//app", "path is malformed"),
        ("ghcr.io/../app", "path is malformed"),
        ("ghcr.io/a?", "path is malformed"),
        ("ghcr.io/ba[rz]", "path is malformed"),
        ("ghcr.io/{a,b}", "path is malformed"),
        ("ghcr.io/*/Bar*", "upper-case"),
        ("team*/app", "may be a registry or a path"),
        ("localhos*/app", "may be a registry or a path"),
        ("ghcr.io/team**", "** stands alone"),
        ("ghcr.io/***", "** stands alone"),
        ("**.example.com/app", "** stands alone"),
        ("***", "** stands alone"),
        ("a..test/app", "the registry"),
        ("https://ghcr.io/*", "the registry"),
        ("*.test?/app", "the registry"),
        ("*:443/app", "without it"),
        ("[*]:443/app", "without it"),
        ("127.1/app", "IPv4"),
        ("[1::2::3]/app", "IPv6"),
        ("-.test/app", "the registry"),
        ("alpine:", "the tag"),
        ("alpine:a b", "the tag"),
        ("alpine:-*x!", "the tag"),
        ("alpine:**", "** stands alone"),
        ("alpine@", "':'"),
        ("alpine@sha256:*", "length"),
        ("alpine@sha256:aa", "length"),
        ("alpine@md5:aa", "algorithm"),
        ("é*", "path is malformed"),
        (&"a".repeat(1025), "1024 bytes"),
    ];
    for (text, reason) in rows {
        let error = Pattern::parse(text).expect_err(text);
        assert!(error.reason.contains(reason), "{text}: {error}");
        assert!(error.text.chars().count() <= 160);
    }
}

#[test]
fn lists() {
    let patterns = Pattern::parse_list(" alpine, ghcr.io/team/*:1.* ,,").unwrap();
    assert_eq!(patterns, [pattern("alpine"), pattern("ghcr.io/team/*:1.*")]);
    assert_eq!(Pattern::parse_list(" "), Ok(vec![]));
    assert_eq!(Pattern::parse_list("alpine, a b").unwrap_err().text, "a b");
}

/// Backtracking over all wildcards would take longer than the age of the universe.
#[test]
fn many_wildcards_take_linear_time() {
    let component = format!("{}b", "*a".repeat(400));
    assert!(!matches(&format!("ghcr.io/{component}"), &format!("ghcr.io/{}", "a".repeat(255))));
    assert!(!matches(&format!("ghcr.io/{}b", "**/a/".repeat(150)), &format!("ghcr.io/{}a", "a/".repeat(127))));
    assert!(matches(&format!("ghcr.io/{}**", "**/a/".repeat(100)), &format!("ghcr.io/{}a", "a/".repeat(127))));
    assert!(!matches(&format!("alpine:{}b", "*a".repeat(400)), &format!("alpine:{}", "a".repeat(128))));
}
