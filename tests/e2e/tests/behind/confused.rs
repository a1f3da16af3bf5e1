//! Indexes that containerd reads differently from how they look: BuildKit builds the judged image, or the build fails.

use refkit_e2e::base;
use refkit_oci::Platform;
use refkit_support::image::{Image, IndexBuilder};

use crate::{Policy, Shipped};

const LABELLED: Policy<'_> = ("require-label", &[("label", "tier=production")]);

/// Returns two images for this machine, without the label and with it, in the order of the index.
fn images(platforms: [Platform; 2], labelled: usize) -> anyhow::Result<Image> {
    let mut index = IndexBuilder::new();
    for (place, platform) in platforms.into_iter().enumerate() {
        let name = if place == labelled { "labelled" } else { "unlabelled" };
        let image = base::image(name, base::native())?;
        let image = if place == labelled { image.label("tier", "production") } else { image };
        let mut image = image.build();
        image.descriptor.platform = Some(platform);
        index = index.add(image);
    }
    Ok(index.build())
}

#[test]
fn an_image_that_only_buildkit_takes() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[LABELLED], &[])?;
    let native: Platform = base::native().parse()?;
    // BuildKit uses its own operating system instead of an empty one, and ignores an empty feature.
    let without_os = Platform { os: String::new(), ..native.clone() };
    let with_feature = Platform { os_features: vec![String::new()], ..native.clone() };
    let rows = [
        ("without-os", images([without_os, native.clone()], 1)?),
        ("with-feature", images([native, with_feature], 1)?),
    ];
    for (name, index) in rows {
        let reference = shipped.stage.put(name, &index)?;
        // Without RefKit, to show that the test can detect a difference.
        let plain = shipped.stage.build().dockerfile(&format!("FROM {reference}")).built()?;
        assert_eq!(plain.only()?.text("variant")?, format!("unlabelled {}", base::native()), "{name}");
        let build = || shipped.build(&format!("FROM {reference}"));
        let outcome = build().run()?;
        if outcome.success {
            assert_eq!(build().built()?.only()?.text("variant")?, format!("labelled {}", base::native()), "{name}");
        } else {
            assert!(outcome.error().contains("platform"), "{name}: {}", outcome.log);
        }
    }
    Ok(())
}
