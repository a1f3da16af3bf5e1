//! A policy that resolves references that the rest of the chain denies. `tests/e2e` runs it behind a real BuildKit.

use refkit::Outcome;
use refkit_tests::components::{ALLOW_LIST, OVERRULE};
use refkit_tests::stage::{self, Stage};

#[tokio::test]
async fn what_the_rest_allows_is_its_answer() {
    let stage = Stage::new().policy(OVERRULE, &[]).policy(ALLOW_LIST, &[("allow", "registry.test/app")]);
    let resolver = stage.resolver().await;
    let allowed = resolver.session(stage::request("registry.test/app:1")).resolve().await;
    assert!(matches!(allowed, Ok(Outcome::Resolved(_))), "{allowed:?}");
    // It cannot read an index, so this is not its own outcome.
    let denied = resolver.session(stage::request("registry.test/other:1")).resolve().await;
    assert!(!matches!(denied, Ok(Outcome::Resolved(_))), "{denied:?}");
}
