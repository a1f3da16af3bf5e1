//! References against the tables of distribution/reference: every row runs, or is listed with the reason.

use refkit_oci::reference::ReferenceError;
use refkit_oci::{Digest, Reference, Repository};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../tests/fixtures/vectors/references.json");

/// Rows that do not run: the table, a part of their text, their number, and the reason.
const LISTED: &[(&str, &str, usize, &str)] = &[
    (
        "TestFullNameRegexp",
        r#"["a","a/a/a/a/"#,
        1,
        "the expression alone knows no longest path; in `Parse` it is refused",
    ),
    (
        "TestDomainRegexp",
        "[fd00123123123]:75050",
        1,
        "no IPv6 address: upstream's expression does not count the groups",
    ),
    ("TestMatch", "ba[rz]", 5, "a pattern has no character classes"),
    ("TestParseAnyReference", "\"is_bare_digest\":true", 2, "an image's id without a repository is no reference"),
    (
        "TestReferenceParse",
        "validname@sha512:",
        1,
        "refused upstream because sha512 is not registered there; valid here",
    ),
    (
        "TestWithTag",
        "sha256:1234567890098765432112345667890098765\"",
        1,
        "the digest has 37 digits, unchecked upstream",
    ),
    (
        "TestWithDigest",
        "sha256:1234567890098765432112345667890098765\"",
        4,
        "the digest has 37 digits, unchecked upstream",
    ),
];

#[test]
fn every_row_is_run_or_listed() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["tests"].as_array().unwrap();
    let mut listed = vec![0; LISTED.len()];
    let mut run = 0;
    let mut failures = Vec::new();
    for row in rows {
        let written = row.to_string();
        let entry = LISTED.iter().position(|(test, part, ..)| row["test"] == **test && written.contains(part));
        match entry {
            Some(entry) => listed[entry] += 1,
            None => {
                run += 1;
                failures.extend(check(row).err().map(|why| format!("{why}\n    {written}")));
            }
        }
    }
    assert!(failures.is_empty(), "{} rows fail:\n{}", failures.len(), failures.join("\n"));
    for ((test, part, expected, why), found) in LISTED.iter().zip(&listed) {
        assert_eq!(found, expected, "rows of {test} with {part}, listed because {why}");
    }
    assert_eq!(run + listed.iter().sum::<usize>(), rows.len());
    assert_eq!((run, rows.len()), (332, 347));
}

/// Runs one row with the counterpart of its function.
fn check(row: &Value) -> Result<(), String> {
    let (input, expect) = (text(&row["input"]), &row["expect"]);
    match text(&row["fn"]) {
        "ParseNormalizedNamed" if row["expect_ok"].is_boolean() => {
            same(&row["expect_ok"], Reference::parse(input).is_ok().into())
        }
        "ParseNormalizedNamed" => {
            let reference = parse(input)?;
            let repository = reference.repository();
            same(&one_spelling(text(&expect["domain"])).into(), repository.registry().into())?;
            same(&expect["path"], repository.path().into())?;
            if expect["name"].is_string() {
                same(&normal(text(&expect["name"])).into(), repository.to_string().into())?;
                let familiar = text(&expect["familiar_name"]);
                let familiar = if is_one_word(familiar) { normal(familiar) } else { familiar.to_owned() };
                same(&familiar.into(), repository.familiar().into())?;
            }
            Ok(())
        }
        "ParseNormalizedNamed+must_be_canonical(ParseNamed)" => {
            let repository = Repository::parse(input).map_err(|error| error.to_string())?;
            same(&row["expect_err"].is_null().into(), (repository.to_string() == input).into())?;
            if row["expect_err"].is_null() { located(&repository, expect) } else { Ok(()) }
        }
        "Parse" | "Field json roundtrip" => match (Reference::parse(input), row["expect_err"].as_str()) {
            (Err(error), Some(upstream)) => refused(&error, upstream),
            (Ok(reference), None) => parts(&reference, &expect["name"], &expect["tag"], &expect["digest"]),
            (found, _) => Err(format!("found {found:?}")),
        },
        "ReferenceRegexp" => match (Reference::parse(input), row["expect_captures"].as_array()) {
            (Ok(reference), Some(captures)) => parts(&reference, &captures[0], &captures[1], &captures[2]),
            (found, _) => same(&row["expect_match"], found.is_ok().into()),
        },
        "FullNameRegexp" => match (Repository::parse(input), row["expect_captures"].as_array()) {
            (Ok(repository), Some(captures)) => same(&normal(&join(captures)).into(), repository.to_string().into()),
            (found, _) => same(&row["expect_match"], found.is_ok().into()),
        },
        "DomainRegexp" => same(&row["expect_match"], Repository::new(input, "team/app").is_ok().into()),
        "IdentifierRegexp" => {
            let is_id = matches!(Reference::parse(input), Err(error) if error.reason.contains("an image's id"));
            same(&row["expect_match"], is_id.into())
        }
        "WithName" => match (Repository::parse(input), row["expect_err"].as_str()) {
            (Err(error), Some(upstream)) => refused(&error, upstream),
            (Ok(repository), None) => {
                let name = join(&[expect["domain"].clone(), expect["path"].clone()]);
                same(&normal(&name).into(), repository.to_string().into())
            }
            (found, _) => Err(format!("found {found:?}")),
        },
        "WithTag" => {
            let arguments = &row["args"];
            let reference = parse(text(&arguments["name"]))?.with_tag(text(&arguments["tag"]));
            let reference = reference.map_err(|error| error.to_string())?;
            same(&normal(text(&expect["string"])).into(), reference.to_string().into())
        }
        "ParseAnyReference" => {
            let reference = parse(input)?;
            let has = reference.digest().is_some() || input.contains(':');
            let expected = [text(&expect["string"]), if has { "" } else { ":latest" }].concat();
            same(&expected.into(), reference.to_string().into())
        }
        "ParseDockerRef" => {
            // The digest decides, so distribution/reference drops the tag; this crate keeps it, and `:tag@digest`
            // means the same.
            let reference = parse(input)?;
            let tag = reference.tag().filter(|_| reference.digest().is_none()).map(str::to_owned);
            let reference = Reference::new(reference.repository().clone(), tag, reference.digest().cloned());
            same(&expect["string"], reference.map_err(|error| error.to_string())?.to_string().into())
        }
        "FamiliarMatch" => {
            let pattern = text(&row["pattern"]).parse::<refkit_oci::Pattern>().map_err(|error| error.to_string())?;
            same(expect, pattern.matches(&parse(input)?).into())
        }
        other => Err(format!("the function {other} is neither run nor listed")),
    }
}

/// Checks a reference that distribution/reference parses without normalising it.
fn parts(reference: &Reference, name: &Value, tag: &Value, digest: &Value) -> Result<(), String> {
    let latest = if text(tag).is_empty() && text(digest).is_empty() { "latest" } else { text(tag) };
    same(&normal(text(name)).into(), reference.repository().to_string().into())?;
    same(&latest.into(), reference.tag().unwrap_or("").into())?;
    same(digest, reference.digest().map_or("", Digest::as_str).into())?;
    same(&parse(&reference.to_string())?.to_string().into(), reference.to_string().into())
}

fn located(repository: &Repository, expect: &Value) -> Result<(), String> {
    same(&expect["domain"], repository.registry().into())?;
    same(&expect["path"], repository.path().into())
}

/// Returns the normal form of a name, by Docker's documented rule, and with one spelling of the registry.
fn normal(name: &str) -> String {
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first => {
            format!("{}/{rest}", one_spelling(first))
        }
        Some(_) => format!("docker.io/{name}"),
    }
}

/// Returns the registry of a row in its one spelling: distribution/reference keeps letters and ports as written, so
/// that a rule about `Foo` would not apply to `foo:443`.
fn one_spelling(registry: &str) -> String {
    let lower = registry.to_lowercase();
    if is_one_word(registry) { format!("{lower}:443") } else { lower }
}

fn is_one_word(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    first.to_lowercase() != first && !first.contains(['.', ':'])
}

/// Checks that the reason is that of the row, if the row has one.
fn refused(error: &ReferenceError, upstream: &str) -> Result<(), String> {
    let reason = match upstream {
        "repository name must have at least one component" => "there is no repository name",
        "repository name must be lowercase" => "upper-case",
        "repository name must not be more than 255 characters" => "255",
        "unsupported digest algorithm" => "algorithm",
        "invalid checksum digest length" => "length",
        "invalid reference format" => "",
        other => return Err(format!("no counterpart of {other:?}")),
    };
    if error.reason.contains(reason) { Ok(()) } else { Err(format!("refused because {}", error.reason)) }
}

fn join(captures: &[Value]) -> String {
    captures.iter().map(text).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn same(expected: &Value, found: Value) -> Result<(), String> {
    if *expected == found { Ok(()) } else { Err(format!("expected {expected}, found {found}")) }
}

fn parse(input: &str) -> Result<Reference, String> {
    Reference::parse(input).map_err(|error| error.to_string())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
