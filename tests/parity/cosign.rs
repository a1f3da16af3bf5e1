//! Signatures of cosign hold at the destination of a copy.

use crate::place::Place;
use crate::programs::{Client, Ran, run_with, words};

/// Runs cosign offline with a key in a directory.
fn cosign(keys: &std::path::Path, line: &str) -> Ran {
    let line = line.replace("KEYS", &keys.display().to_string());
    run_with(Client::Cosign, &words(&line), &[("COSIGN_PASSWORD", "password")])
}

#[test]
fn signatures_hold_at_the_destination() {
    let (place, keys) = (Place::new(), tempfile::tempdir().expect("a directory can be made"));
    cosign(keys.path(), "generate-key-pair --output-key-prefix KEYS/cosign").success();
    let verify = |reference: &str| {
        let line = "verify --key KEYS/cosign.pub --allow-http-registry --insecure-ignore-tlog";
        cosign(keys.path(), &format!("{line} {}", place.at(reference)))
    };
    // The first is a referrer, and the second one an image under a tag that is made of the digest.
    for (form, bundle) in [("referrer", true), ("tag", false)] {
        for name in ["amd64", "index", "attested"] {
            let source = format!("signed/{form}/{name}");
            place.prepare(&source, &[], Some(name));
            let digest = place.fixture(name).image.digest();
            let sign = "sign --yes --key KEYS/cosign.key --allow-http-registry --use-signing-config=false \
                        --tlog-upload=false";
            let signed = format!("{sign} --new-bundle-format={bundle} {}@{digest}", place.at(&source));
            cosign(keys.path(), &signed).success();
            verify(&format!("{source}:1")).success();
            // Whatever the source is called.
            for (to, from) in
                [("tag", ":1".to_owned()), ("digest", format!("@{digest}")), ("both", format!(":1@{digest}"))]
            {
                let to = format!("verified/{form}/{name}/{to}");
                place
                    .run(Client::Refkit, &to, &format!("copy --referrers {}{from} APP:1", place.at(&source)))
                    .success();
                verify(&format!("{to}:1")).success();
            }
            let other = format!("verified/{form}/{name}/without");
            place.prepare(&other, &[], Some(name));
            let missing = verify(&format!("{other}:1"));
            assert!(!missing.succeeded() && missing.stderr.contains("no signatures found"), "{}", missing.stderr);
        }
    }
}
