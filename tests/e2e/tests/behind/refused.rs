//! What the rest of a chain refuses stays refused, whatever the policy before it makes of that.

use refkit_e2e::base;

use crate::Shipped;

/// Docker's media types, because registries show such a manifest to BuildKit without its being named: so the policy can
/// read all that it needs for an answer of its own.
#[test]
fn a_policy_that_answers_by_itself_what_the_rest_denies() -> anyhow::Result<()> {
    for (allow, allowed) in [("HOST/app", false), ("HOST/*", true)] {
        let settings = [("allow", allow)];
        let shipped = Shipped::new(&[("overrule", &[]), ("allow-list", &settings)], &[])?;
        let image = base::image("docker", base::native())?.docker().build();
        let reference = shipped.stage.put("docker", &image)?;
        let build = shipped.build(&format!("FROM {reference}"));
        if allowed {
            assert_eq!(build.built()?.only()?.text("variant")?, format!("docker {}", base::native()));
        } else {
            let outcome = build.fails()?;
            let error = outcome.error();
            assert!(error.contains("overrule") || error.contains("denied by policy allow-list"), "{}", outcome.log);
        }
    }
    Ok(())
}
