//! Runs the table of cases natively.

use refkit_default::Default;
use refkit_policy::testing::{End, check};

#[test]
fn cases() {
    check::<Default, End>(include_str!("../../../tests/fixtures/policy_cases/default.json"));
}

/// An index that lists an image 65 times, and attests it 64 times: 4,160 attestations, more than the limit of 4,096.
/// With 64 times it is within the limit.
#[test]
fn attestations_are_limited() {
    let case = |images: usize, outcome: &str| {
        let attests = r#"{ "of": "sbom", "platform": "unknown/unknown", "about": "amd64" }"#;
        let entries = [vec![r#""amd64 linux/amd64""#; images], vec![attests; 64]].concat().join(",");
        format!(
            r#"{{ "about": "", "cases": [{{
                "name": "{images} images",
                "content": [
                    {{ "name": "amd64", "image": "linux/amd64" }},
                    {{ "name": "sbom", "artifact": "application/vnd.docker.attestation.manifest.v1+json" }},
                    {{ "name": "root", "index": [{entries}] }}
                ],
                "request": {{ "parts": ["images", "attestations"] }},
                "calls": ["pull registry.test/app:latest"],
                "outcome": [{outcome}]
            }}] }}"#
        )
    };
    let attested = format!(r#""image amd64 is linux/amd64 attested {}""#, vec!["sbom"; 64].join(", "));
    check::<Default, End>(&case(64, &[vec![r#""root root""#], vec![attested.as_str(); 64]].concat().join(",")));
    check::<Default, End>(&case(65, r#""error invalid: registry.test/app:latest holds more than 4096 attestations""#));
}
