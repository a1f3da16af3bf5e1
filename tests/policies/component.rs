//! What a component is made of.

use refkit_sandbox::Policy;
use refkit_tests::components;
use refkit_tests::stage::ENGINE;

/// A component imports the interfaces that it calls, and no other.
#[tokio::test]
async fn imports() {
    let rows: [(&str, &[u8], &[&str]); 5] = [
        ("default", components::DEFAULT, &["registry"]),
        ("allow-list", components::ALLOW_LIST, &["chain", "settings"]),
        ("require-label", components::REQUIRE_LABEL, &["chain", "registry", "settings"]),
        ("redirect", components::REDIRECT, &["settings"]),
        ("newest-tag", components::NEWEST_TAG, &["registry", "settings"]),
    ];
    for (name, component, imports) in rows {
        let policy = Policy::load(&ENGINE, component).await.expect(name);
        let mut found: Vec<&str> = policy.imports().iter().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!((policy.description().name.as_str(), &found[..]), (name, imports));
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
