//! A refusal of the rest of a chain stays, whatever the policy before it returns.

use refkit_e2e::base;

use crate::Shipped;

/// With Docker's media types, registries show a manifest to BuildKit without an `Accept` header for it, so that the
/// policy can read all documents for an outcome of its own.
#[test]
fn a_policy_that_resolves_what_the_rest_denies() -> anyhow::Result<()> {
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
