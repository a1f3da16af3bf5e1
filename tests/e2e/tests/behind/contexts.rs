//! Named contexts, pinned references, attested indexes and several platforms: allowed, redirected, pinned to another
//! variant, denied.

use refkit_e2e::{base, layout};

use crate::{PLATFORMS, Policy, Shipped};

const TO_OTHER: Policy<'_> = ("redirect", &[("from", "HOST/app"), ("to", "HOST/other")]);
const VARIANT: Policy<'_> = ("variant", &[("take", "linux/arm/v7")]);
const DENY: Policy<'_> = ("allow-list", &[("allow", "HOST/none")]);

#[test]
fn an_image_by_a_named_context() -> anyhow::Result<()> {
    let native = |name: &str| format!("{name} {}", base::native());
    let allow: Policy<'_> = ("allow-list", &[("allow", "HOST/app")]);
    let rows = [
        (allow, native("app")),
        (TO_OTHER, native("other")),
        (VARIANT, "app linux/arm/v7".to_owned()),
        (DENY, String::new()),
    ];
    for (policy, variant) in rows {
        let shipped = Shipped::new(&[policy], &["--grant", "HOST/other"])?;
        let build = || shipped.build("FROM named").context("named", &format!("docker-image://{}", shipped.app));
        if variant.is_empty() {
            let outcome = build().fails()?;
            assert!(outcome.error().contains("app:1 denied by policy allow-list"), "{}", outcome.log);
        } else {
            assert_eq!(build().built()?.only()?.text("variant")?, variant, "{}", policy.0);
        }
    }
    Ok(())
}

#[test]
fn a_layout_by_a_named_context() -> anyhow::Result<()> {
    let image = base::index("in a layout", &PLATFORMS)?;
    let directory = layout("1", &image)?;
    let allow: Policy<'_> = ("allow-list", &[("allow", "oci-layout/named")]);
    let rows = [
        (allow, format!("in a layout {}", base::native())),
        (VARIANT, "in a layout linux/arm/v7".to_owned()),
        (DENY, String::new()),
    ];
    for (policy, variant) in rows {
        let shipped = Shipped::new(&[policy], &[])?;
        let build = || {
            let build = shipped.build("FROM named").context("named", &format!("oci-layout://mine@{}", image.digest()));
            build.layout("mine", directory.path())
        };
        if variant.is_empty() {
            let outcome = build().fails()?;
            assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
        } else {
            assert_eq!(build().built()?.only()?.text("variant")?, variant, "{}", policy.0);
        }
    }
    Ok(())
}

#[test]
fn pinned_and_attested() -> anyhow::Result<()> {
    let index = base::attested("attested", &PLATFORMS)?;
    let allow: Policy<'_> = ("allow-list", &[("allow", "HOST/attested")]);
    let rows = [
        (allow, format!("attested {}", base::native())),
        (VARIANT, "attested linux/arm/v7".to_owned()),
        (DENY, String::new()),
    ];
    for (policy, variant) in rows {
        let shipped = Shipped::new(&[policy], &[])?;
        let tagged = shipped.stage.put("attested", &index)?;
        for reference in [tagged.clone(), format!("{tagged}@{}", index.digest())] {
            let build = || shipped.build(&format!("FROM {reference}"));
            if variant.is_empty() {
                let outcome = build().fails()?;
                assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
                assert!(outcome.error_line().is_some_and(|line| line.contains(&reference)), "{}", outcome.log);
            } else {
                assert_eq!(build().built()?.only()?.text("variant")?, variant, "{} {reference}", policy.0);
            }
        }
    }
    Ok(())
}

#[test]
fn two_platforms() -> anyhow::Result<()> {
    let rows = [(TO_OTHER, ["other linux/amd64", "other linux/arm64"]), (VARIANT, ["app linux/arm/v7"; 2])];
    for (policy, variants) in rows {
        let shipped = Shipped::new(&[policy], &["--grant", "HOST/other"])?;
        let dockerfile = "FROM scratch\nCOPY --from=APP /variant /variant";
        let built = shipped.build(dockerfile).platform("linux/amd64,linux/arm64").built()?;
        for (platform, variant) in ["linux/amd64", "linux/arm64"].into_iter().zip(variants) {
            assert_eq!(built.image(platform)?.text("variant")?, variant, "{}", policy.0);
        }
    }
    let shipped = Shipped::new(&[DENY], &[])?;
    let outcome = shipped.build("FROM APP").platform("linux/amd64,linux/arm64").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    Ok(())
}
