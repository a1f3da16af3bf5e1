//! Other names of a registry: a rule about one of them applies to all.

use refkit::Outcome;
use refkit_tests::components::{ALLOW_LIST, REDIRECT};
use refkit_tests::stage::{self, Stage};

const SPELLINGS: [&str; 4] =
    ["registry.test/app:1", "Registry.TEST/app:1", "registry.test:443/app:1", "REGISTRY.test:0443/app:1"];

#[tokio::test]
async fn a_redirect_takes_all_spellings() {
    for from in ["registry.test/app", "REGISTRY.TEST:443/app"] {
        for spelling in SPELLINGS {
            let settings = [("from", from), ("to", "Registry.Test:443/other")];
            let stage = Stage::new().grant("registry.TEST:443/other").policy(REDIRECT, &settings);
            let outcome = stage.resolver().await.resolve(stage::request(spelling)).await;
            let Ok(Outcome::Resolved(found)) = outcome else { panic!("{from} {spelling}: {outcome:?}") };
            assert_eq!(found.reference.to_string(), "registry.test/other:1", "{from} {spelling}");
        }
    }
}

#[tokio::test]
async fn a_pattern_matches_all_spellings() {
    for (allow, allowed) in [("registry.test/app", true), ("Registry.Test:443/*", true), ("registry.test:80/*", false)]
    {
        for spelling in SPELLINGS {
            let stage = Stage::new().policy(ALLOW_LIST, &[("allow", allow)]);
            let outcome = stage.resolver().await.resolve(stage::request(spelling)).await.expect("a decision");
            assert_eq!(matches!(outcome, Outcome::Resolved(_)), allowed, "{allow} {spelling}: {outcome:?}");
        }
    }
}
