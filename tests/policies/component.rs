//! What a component is made of.

use refkit_sandbox::Policy;
use refkit_tests::components;
use refkit_tests::stage::ENGINE;

/// Nothing but the contract is imported, and of that no more than is called.
#[tokio::test]
async fn imports() {
    let rows = [
        ("default", components::DEFAULT, &["chain", "registry"][1..]),
        ("allow-list", components::ALLOW_LIST, &["chain", "settings"]),
        ("require-label", components::REQUIRE_LABEL, &["chain", "registry", "settings"]),
        ("redirect", components::REDIRECT, &["chain", "settings"]),
        ("newest-tag", components::NEWEST_TAG, &["registry", "settings"]),
    ];
    for (name, component, allowed) in rows {
        let policy = Policy::load(&ENGINE, component).await.expect(name);
        assert_eq!(policy.description().name, name);
        for import in policy.imports() {
            assert!(allowed.iter().any(|one| import.contains(one)) || import.contains("types"), "{name}: {import}");
        }
    }
}

/// In bytes: 150 KB for the default policy, and no example needs more.
#[test]
fn sizes() {
    for component in [
        components::DEFAULT,
        components::ALLOW_LIST,
        components::REQUIRE_LABEL,
        components::REDIRECT,
        components::NEWEST_TAG,
    ] {
        assert!(component.len() <= 150 << 10, "{} bytes", component.len());
    }
}
