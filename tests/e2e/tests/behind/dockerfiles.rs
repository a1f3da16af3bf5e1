//! Every form in which a Dockerfile names an image: allowed, redirected, pinned to another variant, denied.

use refkit_e2e::{Outcome, base};

use crate::{PLATFORMS, Shipped};

/// Dockerfiles with `APP`, and the file that shows which image was used.
const WAYS: [(&str, &str); 6] = [
    ("FROM APP", "variant"),
    ("ARG IMAGE=APP\nFROM $IMAGE\nRUN cp /variant /ran", "ran"),
    ("FROM scratch\nCOPY --from=APP /variant /copied", "copied"),
    ("FROM OTHER\nRUN --mount=from=APP,target=/app cp /app/variant /mounted", "mounted"),
    ("FROM APP AS one\nRUN cp /variant /one\nFROM OTHER\nCOPY --from=one /one /two", "two"),
    ("FROM OTHER\nCOPY --from=APP /variant /copied", "copied"),
];

#[test]
fn allowed() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/app,HOST/other")])], &[])?;
    for (dockerfile, file) in WAYS {
        let built = shipped.build(dockerfile).built()?;
        assert_eq!(built.only()?.text(file)?, format!("app {}", base::native()), "{dockerfile}");
    }
    shipped.stage.buildkitd.idle()
}

#[test]
fn redirected() -> anyhow::Result<()> {
    let policy = ("redirect", &[("from", "HOST/app"), ("to", "HOST/other")][..]);
    let shipped = Shipped::new(&[policy], &["--grant", "HOST/other"])?;
    for (dockerfile, file) in WAYS {
        let built = shipped.build(dockerfile).built()?;
        assert_eq!(built.only()?.text(file)?, format!("other {}", base::native()), "{dockerfile}");
    }
    Ok(())
}

#[test]
fn pinned_to_another_variant() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("variant", &[("take", "linux/arm/v7")])], &[])?;
    // `RUN` needs an image for this machine.
    for (dockerfile, file) in WAYS.iter().filter(|(dockerfile, _)| !dockerfile.contains("RUN")) {
        let built = shipped.build(dockerfile).built()?;
        assert_eq!(built.only()?.text(file)?, "app linux/arm/v7", "{dockerfile}");
    }
    Ok(())
}

#[test]
fn denied() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/other")])], &[])?;
    for (dockerfile, _) in WAYS {
        let outcome = shipped.build(dockerfile).fails()?;
        let error = Outcome::neutral(outcome.error());
        let reason = "127.0.0.1:[PORT]/app:1 denied by policy allow-list (rule allow-list): 127.0.0.1:[PORT]/app:1 \
            matches none of the allowed patterns: 127.0.0.1:[PORT]/other";
        assert!(error.ends_with(reason), "{dockerfile}: {}", outcome.log);
        // The Dockerfile frontend itself reports no line for a mount.
        let line = outcome.error_line().unwrap_or_default();
        let named = line.contains(&shipped.app) || line.contains("$IMAGE");
        assert!(named || dockerfile.contains("--mount"), "{dockerfile}: {}", outcome.log);
    }
    shipped.stage.buildkitd.idle()
}

#[test]
fn several_platforms() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let dockerfile = "FROM APP\nCOPY --from=OTHER /variant /copied";
    let built = shipped.build(dockerfile).platform(&PLATFORMS.join(",")).built()?;
    assert_eq!(built.images.len(), PLATFORMS.len());
    for platform in PLATFORMS {
        assert_eq!(built.image(platform)?.text("variant")?, format!("app {platform}"));
        assert_eq!(built.image(platform)?.text("copied")?, format!("other {platform}"));
    }
    Ok(())
}

#[test]
fn labels_of_configs() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("require-label", &[("label", "tier=production")])], &[])?;
    let labelled = base::image("labelled", base::native())?.label("tier", "production").build();
    let labelled = shipped.stage.put("labelled", &labelled)?;
    let built = shipped.build(&format!("FROM {labelled}")).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("labelled {}", base::native()));
    let outcome = shipped.build("FROM APP").fails()?;
    assert!(outcome.error().contains("denied by policy require-label (rule require-label)"), "{}", outcome.log);
    Ok(())
}
