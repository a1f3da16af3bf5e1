//! Source policies of the build's own, which BuildKit applies before anybody is asked: the policies decide about what
//! comes of them.

use refkit_e2e::base;

use crate::Shipped;

#[test]
fn what_rules_make_of_an_image_is_decided_about() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let strict = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    for (shipped, allowed) in [(shipped, true), (strict, false)] {
        let rules = tempfile::NamedTempFile::new()?;
        let (from, to) = (format!("docker-image://{}", shipped.app), format!("docker-image://{}", shipped.other));
        let rule = serde_json::json!({
            "action": "CONVERT", "selector": {"identifier": from}, "updates": {"identifier": to},
        });
        std::fs::write(rules.path(), serde_json::json!({"version": 1, "rules": [rule]}).to_string())?;
        let build = shipped.build("FROM APP").argument("--source-policy-file", rules.path().to_string_lossy());
        if allowed {
            assert_eq!(build.built()?.only()?.text("variant")?, format!("other {}", base::native()));
        } else {
            let outcome = build.fails()?;
            assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
        }
    }
    Ok(())
}
