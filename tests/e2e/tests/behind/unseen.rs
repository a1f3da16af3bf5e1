//! Registries that show BuildKit neither index nor manifest, because BuildKit sends no media types when it reads
//! content by digest: only BuildKit's own resolution is available, which suffices for most policies.

use std::sync::Arc;

use refkit_e2e::{Buildkitd, Frontend, Stage, base};
use refkit_support::{Auth, RealRegistry};

use crate::{PLATFORMS, Shipped};

fn shipped(policies: &[crate::Policy<'_>]) -> anyhow::Result<Shipped> {
    let buildkitd: Arc<Buildkitd> = Buildkitd::shared()?;
    let stage = Stage { registry: RealRegistry::debian_v2(Auth::Anonymous)?, buildkitd };
    Shipped::with(stage, Frontend::dockerfile()?, policies, &[])
}

#[test]
fn references_and_labels_are_judged() -> anyhow::Result<()> {
    let shipped = shipped(&[("allow-list", &[("allow", "HOST/app")]), ("require-label", &[("label", "tier")])])?;
    let outcome = shipped.build("FROM OTHER").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    let outcome = shipped.build("FROM APP").fails()?;
    assert!(outcome.error().contains("denied by policy require-label"), "{}", outcome.log);
    Ok(())
}

#[test]
fn what_is_allowed_is_built() -> anyhow::Result<()> {
    let shipped = shipped(&[("require-label", &[("label", "tier")])])?;
    let labelled = base::image("labelled", base::native())?.label("tier", "1").build();
    let labelled = shipped.stage.put("labelled", &labelled)?;
    let built = shipped.build(&format!("FROM {labelled}")).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("labelled {}", base::native()));
    Ok(())
}

#[test]
fn another_variant_cannot_be_chosen() -> anyhow::Result<()> {
    let shipped = shipped(&[("variant", &[("take", "linux/arm/v7")])])?;
    // A registry of its own, because BuildKit keeps content of other registries by digest.
    let hidden = shipped.stage.put("hidden", &base::index("hidden", &PLATFORMS)?)?;
    let outcome = shipped.build(&format!("FROM {hidden}")).fails()?;
    assert!(outcome.error().contains("the registry does not show it to BuildKit"), "{}", outcome.log);
    Ok(())
}
