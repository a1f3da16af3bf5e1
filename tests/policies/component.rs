//! What a component is made of.

use refkit_sandbox::{CompiledPolicy, Policy, Publishing, World};
use refkit_tests::components;
use refkit_tests::stage::ENGINE;

/// A component imports the interfaces that it calls, and no other. Only `registry-write` pushes, and the examples do not
/// import it: they leave the pushing to the policies after them.
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
        check(&Policy::load(&ENGINE, component).await.expect(name), name, imports);
    }
    let rows: [(&str, &[u8], &[&str]); 3] = [
        ("publish", components::PUBLISH, &["chain", "registry", "registry-write", "settings", "trace"]),
        (
            "require-annotations",
            components::REQUIRE_ANNOTATIONS,
            &["chain", "publishing-chain", "registry", "settings"],
        ),
        ("immutable-tags", components::IMMUTABLE_TAGS, &["publishing-chain", "registry"]),
    ];
    for (name, component, imports) in rows {
        check(&CompiledPolicy::<Publishing>::load(&ENGINE, component).await.expect(name), name, imports);
    }
}

fn check<W: World>(policy: &CompiledPolicy<W>, name: &str, imports: &[&str]) {
    let mut found: Vec<&str> = policy.imports().iter().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!((policy.description().name.as_str(), &found[..]), (name, imports));
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
        components::REQUIRE_ANNOTATIONS,
        components::IMMUTABLE_TAGS,
    ] {
        assert!(component.len() <= 150 << 10, "{} bytes", component.len());
    }
    // The default publisher writes documents too.
    assert!(components::PUBLISH.len() <= 384 << 10, "{} bytes", components::PUBLISH.len());
}
