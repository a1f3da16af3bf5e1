//! The evaluation of rules: the cases of BuildKit's `engine_test.go` and `matcher_test.go`, and those of [`Rules`].

use super::*;
use crate::pb::{AttrConstraint, AttrMatch};

const ALPINE: &str = "docker-image://docker.io/library/alpine:latest";
const BUSYBOX: &str = "docker-image://docker.io/library/busybox:latest";
const PINNED: &str = "docker-image://docker.io/library/alpine:latest@sha256:\
    c0d488a800e4127c334ad20d61d7bc21b4097540327217dfab52262adc02380c";

fn wild(action: PolicyAction, identifier: &str) -> Rule {
    rule(action, MatchType::Wildcard, identifier)
}

fn change(match_type: MatchType, from: &str, to: &str) -> Rule {
    let updates = Some(Update { identifier: to.to_owned(), attrs: BTreeMap::new() });
    Rule { updates, ..rule(PolicyAction::Convert, match_type, from) }
}

/// Returns the identifier after the rules: `=` where they do not change it, `!` where they deny it.
fn outcome(policies: &[Vec<Rule>], identifier: &str) -> String {
    let policies: Vec<Policy> = policies.iter().map(|rules| Policy { version: 1, rules: rules.clone() }).collect();
    let mut source = SourceOp { identifier: identifier.to_owned(), attrs: BTreeMap::new() };
    match evaluate(&policies, &mut source) {
        Ok(false) => format!("= {}", source.identifier),
        Ok(true) => source.identifier,
        Err(EvaluateError::Denied(denied)) => format!("! {denied}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn engine() {
    use MatchType::{Exact, Wildcard};
    use PolicyAction::{Allow, Deny};
    let golang = "docker-image://docker.io/library/golang:1.19";
    #[rustfmt::skip]
    let table: &[(&str, Vec<Vec<Rule>>, &str, &str)] = &[
        ("no policy", vec![], ALPINE, &format!("= {ALPINE}")),
        ("no rule", vec![vec![]], ALPINE, &format!("= {ALPINE}")),
        ("allow, deny", vec![vec![wild(Allow, ALPINE), wild(Deny, "docker-image://*")]], ALPINE, &format!("! {ALPINE}")),
        ("deny, allow", vec![vec![wild(Deny, "docker-image://*"), wild(Allow, ALPINE)]], ALPINE, &format!("= {ALPINE}")),
        ("deny others", vec![vec![wild(Deny, "docker-image://*"), wild(Allow, ALPINE)]], BUSYBOX, &format!("! {BUSYBOX}")),
        ("other scheme", vec![vec![wild(Deny, "docker-image://*")]], "https://a", "= https://a"),
        ("convert", vec![vec![change(Wildcard, ALPINE, PINNED)]], ALPINE, PINNED),
        ("convert exactly", vec![vec![change(Exact, BUSYBOX, PINNED)]], BUSYBOX, PINNED),
        ("convert exactly, no wildcard", vec![vec![change(Exact, "docker-image://*", PINNED)]], BUSYBOX, &format!("= {BUSYBOX}")),
        ("convert twice", vec![vec![change(Wildcard, BUSYBOX, ALPINE), change(Wildcard, ALPINE, PINNED)]], BUSYBOX, PINNED),
        ("convert to itself", vec![vec![change(Exact, ALPINE, ALPINE), wild(Deny, "*")]], ALPINE, &format!("! {ALPINE}")),
        ("convert to nothing", vec![vec![change(Exact, ALPINE, "")]], ALPINE, &format!("= {ALPINE}")),
        ("convert a wildcard", vec![vec![change(Wildcard, "docker-image://docker.io/library/golang:*", "docker-image://fakereg.io/library/golang:${1}")]], golang, "docker-image://fakereg.io/library/golang:1.19"),
        ("no $ in an exact rule", vec![vec![change(Exact, golang, "docker-image://a$0${1}$$")]], golang, "docker-image://a$0${1}$$"),
        ("$ in a wildcard rule", vec![vec![change(Wildcard, golang, "docker-image://a$$")]], golang, "docker-image://a$"),
        ("loop", vec![vec![change(Wildcard, BUSYBOX, ALPINE), change(Wildcard, ALPINE, BUSYBOX)]], BUSYBOX, &format!("{ALPINE} is converted too often")),
        ("convert, then deny", vec![vec![wild(Deny, "docker-image://docker.io/library/alpine:*"), change(Wildcard, BUSYBOX, ALPINE)]], BUSYBOX, &format!("! {ALPINE}")),
        ("allow, convert, deny", vec![vec![change(Wildcard, BUSYBOX, ALPINE), wild(Allow, ALPINE), wild(Deny, "docker-image://docker.io/library/alpine:*"), wild(Deny, BUSYBOX)]], BUSYBOX, &format!("! {ALPINE}")),
        ("deny, but convert", vec![vec![wild(Deny, BUSYBOX), change(Wildcard, BUSYBOX, ALPINE)]], BUSYBOX, ALPINE),
        ("the first policy denies", vec![vec![wild(Deny, "*")], vec![wild(Allow, "*")]], ALPINE, &format!("! {ALPINE}")),
        ("the second policy denies", vec![vec![wild(Allow, "*")], vec![wild(Deny, "*")]], ALPINE, &format!("! {ALPINE}")),
        ("the first policy again after the second", vec![vec![wild(Deny, PINNED)], vec![change(Exact, ALPINE, PINNED)]], ALPINE, &format!("! {PINNED}")),
        ("invalid wildcard", vec![vec![wild(Deny, "docker-image://**")]], ALPINE, "a rule is malformed: its selector is docker-image://**, with **"),
        ("invalid wildcard that is equal", vec![vec![wild(Deny, "a**")]], "a**", "! a**"),
        ("a regular expression", vec![vec![rule(Deny, MatchType::Regex, "^docker")]], ALPINE, "a rule has a regular expression, ^docker"),
        ("no selector", vec![vec![Rule { selector: None, ..wild(Deny, "*") }]], ALPINE, "a rule is malformed: it has no selector"),
        ("no updates", vec![vec![wild(PolicyAction::Convert, "*")]], ALPINE, "a rule is malformed: it converts into nothing"),
        ("unknown action", vec![vec![Rule { action: 9, ..wild(Deny, "*") }]], ALPINE, "a rule is malformed: its action is 9"),
    ];
    for (name, policies, identifier, expected) in table {
        assert_eq!(outcome(policies, identifier), *expected, "{name}");
    }
}

#[test]
fn attributes() {
    let constraint = |value: &str, condition: AttrMatch| AttrConstraint {
        key: "foo".to_owned(),
        value: value.to_owned(),
        condition: condition.into(),
    };
    let table = [
        (constraint("bar", AttrMatch::Equal), Some("bar"), true),
        (constraint("bar", AttrMatch::Equal), Some("nope"), false),
        (constraint("bar", AttrMatch::Equal), None, false),
        (constraint("", AttrMatch::Equal), None, true),
        (constraint("bar", AttrMatch::Notequal), Some("bar"), false),
        (constraint("bar", AttrMatch::Notequal), Some("ok"), true),
        (constraint("bar", AttrMatch::Notequal), None, true),
    ];
    for (constraint, value, denied) in table {
        let mut rule = wild(PolicyAction::Deny, "docker-image://docker.io/library/busybox:*");
        rule.selector.as_mut().unwrap().constraints.push(constraint.clone());
        let attrs = value.map(|value| ("foo".to_owned(), value.to_owned())).into_iter().collect();
        let mut source = SourceOp { identifier: BUSYBOX.to_owned(), attrs };
        let found = evaluate(&[Policy { version: 1, rules: vec![rule] }], &mut source);
        assert_eq!(found.is_err(), denied, "{constraint:?} {value:?}");
    }
    let mut http = wild(PolicyAction::Convert, "https://example.com/foo");
    let attrs = BTreeMap::from([("http.checksum".to_owned(), "sha256:1234".to_owned())]);
    http.updates = Some(Update { identifier: String::new(), attrs: attrs.clone() });
    let mut source = SourceOp { identifier: "https://example.com/foo".to_owned(), attrs: BTreeMap::new() };
    assert_eq!(evaluate(&[Policy { version: 1, rules: vec![http] }], &mut source), Ok(true));
    assert_eq!(source, SourceOp { identifier: "https://example.com/foo".to_owned(), attrs });
}

#[test]
fn rules() {
    let odd = "docker-image://$1*.{}^|\\docker.io/library/alpine:latest";
    let mut rules = Rules::new();
    rules.convert(ALPINE, PINNED);
    rules.allow(PINNED);
    rules.convert(odd, "docker-image://$0*");
    rules.allow("docker-image+blob://ghcr.io/a@sha256:1");
    let policy = vec![rules.policy().unwrap().rules];
    for (identifier, expected) in [
        (ALPINE, PINNED.to_owned()),
        (PINNED, format!("= {PINNED}")),
        (odd, "docker-image://$0*".to_owned()),
        ("docker-image+blob://ghcr.io/a@sha256:1", "= docker-image+blob://ghcr.io/a@sha256:1".to_owned()),
        (BUSYBOX, format!("! {BUSYBOX}")),
        ("docker-image://", "! docker-image://".to_owned()),
        (
            "docker-image://docker.io/library/alpine:latest2",
            "! docker-image://docker.io/library/alpine:latest2".to_owned(),
        ),
        ("docker-image+blob://ghcr.io/a@sha256:2", "! docker-image+blob://ghcr.io/a@sha256:2".to_owned()),
        ("docker-image+new://ghcr.io/a", "! docker-image+new://ghcr.io/a".to_owned()),
        ("oci-layout://a@sha256:1", "! oci-layout://a@sha256:1".to_owned()),
        ("oci-layout+blob://a@sha256:1", "! oci-layout+blob://a@sha256:1".to_owned()),
        ("git://github.com/a/b", "= git://github.com/a/b".to_owned()),
        ("https://example.com/docker-image://a", "= https://example.com/docker-image://a".to_owned()),
        ("local://context", "= local://context".to_owned()),
    ] {
        assert_eq!(outcome(&policy, identifier), expected);
    }
    assert_eq!(outcome(&[Rules::new().policy().unwrap().rules], ALPINE), format!("! {ALPINE}"));
}

#[test]
fn contradictions() {
    let chain = |rules: &[(&str, &str)]| {
        let mut all = Rules::new();
        rules.iter().for_each(|(from, to)| all.convert(from, to));
        all.policy().map(drop).map_err(|error| error.became)
    };
    assert_eq!(chain(&[(ALPINE, PINNED), (BUSYBOX, PINNED)]), Ok(()));
    assert_eq!(chain(&[(ALPINE, PINNED), (PINNED, BUSYBOX)]), Err(BUSYBOX.to_owned()));
    assert!(chain(&[(ALPINE, BUSYBOX), (BUSYBOX, ALPINE)]).unwrap_err().ends_with("is converted too often"));
    assert_eq!(chain(&[(ALPINE, "https://example.com/a")]), Ok(()));
}
