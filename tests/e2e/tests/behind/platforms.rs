//! Definitions without a platform: BuildKit uses the platform of its own machine, and policies judge the same image.

use std::sync::Arc;

use refkit_e2e::{Buildkitd, Frontend, Stage, base};
use refkit_support::image::IndexBuilder;
use refkit_support::{Auth, RealRegistry};

use crate::Shipped;

/// A worker's list may begin with another platform.
#[test]
fn no_platform_is_that_of_buildkits_machine() -> anyhow::Result<()> {
    let other = if base::native() == "linux/amd64" { "linux/arm64" } else { "linux/amd64" };
    let buildkitd = Arc::new(Buildkitd::start_for(&[other, base::native()])?);
    let stage = Stage { registry: RealRegistry::distribution_v3(Auth::Anonymous)?, buildkitd };
    let child = Frontend::program("frontend-unresolved")?;
    let shipped = Shipped::with(stage, child, &[("require-label", &[("label", "tier")])], &[])?;
    let plain = shipped.stage.put("plain", &Frontend::program("frontend-unresolved")?.image())?;
    for labelled in [base::native(), other] {
        let mut index = IndexBuilder::new();
        for platform in [other, base::native()] {
            let image = base::image("app", platform)?;
            index = index.add(if platform == labelled { image.label("tier", "1").build() } else { image.build() });
        }
        let name = format!("labelled-{}", labelled.replace('/', "-"));
        let image = shipped.stage.put(&name, &index.build())?;
        let build = |frontend: &str| {
            let build = shipped.stage.build().gateway(frontend).option("mode", "image").option("image", &image);
            build.option("no-platform", "1")
        };
        let native = format!("app {}", base::native());
        assert_eq!(build(&plain).built()?.only()?.text("variant")?, native, "without RefKit");
        if labelled == base::native() {
            assert_eq!(build(&shipped.frontend).built()?.only()?.text("variant")?, native);
        } else {
            let outcome = build(&shipped.frontend).fails()?;
            let denied = format!("{image} ({}) denied by policy require-label", base::native());
            assert!(outcome.error().contains(&denied), "{}", outcome.log);
        }
    }
    shipped.stage.buildkitd.idle()
}
