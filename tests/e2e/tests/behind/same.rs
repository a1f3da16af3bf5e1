//! With the default policy alone, a build has the same result as without RefKit.

use refkit_e2e::{Frontend, Output, Stage, base, layout};
use refkit_support::image::Image;

use crate::{PLATFORMS, Shipped};

fn compare(app: &Image) -> anyhow::Result<()> {
    let shipped = Shipped::new(&[], &[])?;
    let app = shipped.stage.put("compared", app)?;
    let plain = shipped.stage.put("plain", &Frontend::dockerfile()?.image())?;
    let dockerfile = format!("FROM {app}\nCOPY --from={app} /variant /copied\nRUN cp /variant /ran");
    let ours = shipped.build(&dockerfile).provenance().built()?;
    let theirs = shipped.stage.build().syntax(&plain).dockerfile(&dockerfile).provenance().built()?;
    let (ours, theirs) = (ours.only()?, theirs.only()?);
    assert_eq!(ours.files, theirs.files);
    assert_eq!(ours.config["config"], theirs.config["config"]);
    let materials = |image: &refkit_e2e::BuiltImage| -> anyhow::Result<_> {
        let mut materials = image.materials()?;
        materials.retain(|(package, _)| !package.contains("/frontend@") && !package.contains("/plain@"));
        Ok(materials)
    };
    assert_eq!(materials(ours)?, materials(theirs)?);
    Ok(())
}

#[test]
fn an_index() -> anyhow::Result<()> {
    compare(&base::index("app", &PLATFORMS)?)
}

#[test]
fn an_index_with_attestations() -> anyhow::Result<()> {
    compare(&base::attested("app", &PLATFORMS)?)
}

#[test]
fn a_manifest() -> anyhow::Result<()> {
    compare(&base::image("app", base::native())?.build())
}

#[test]
fn pinned_by_its_digest() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let image = base::index("app", &PLATFORMS)?;
    let digest = image.digest();
    let built = shipped.build(&format!("FROM APP@{digest}")).provenance().built()?;
    assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    Ok(())
}

#[test]
fn named_contexts() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[], &[])?;
    let image = base::index("in a layout", &PLATFORMS)?;
    let directory = layout("1", &image)?;
    let build = shipped.build("FROM named\nCOPY --from=second /variant /copied");
    let build = build.context("second", &format!("docker-image://{}", shipped.app));
    let build = build.context("named", &format!("oci-layout://mine@{}", image.digest()));
    let built = build.layout("mine", directory.path()).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("in a layout {}", base::native()));
    assert_eq!(built.only()?.text("copied")?, format!("app {}", base::native()));
    Ok(())
}

#[test]
fn a_second_build_does_nothing() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[], &[])?;
    let build = || shipped.build("FROM APP\nRUN cp /variant /tmp/copied").output(Output::Nothing).run();
    build()?.succeeded()?;
    let second = build()?.succeeded()?;
    assert!(second.steps().iter().any(|step| step.name.contains("RUN") && step.cached), "{}", second.log);
    Ok(())
}

/// A frontend that uses `ResolveImageConfig`.
#[test]
fn a_frontend_of_old() -> anyhow::Result<()> {
    let child = Frontend::program("frontend-old")?;
    let shipped = Shipped::with(Stage::new()?, child, &[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let built = shipped.build("FROM APP").built()?;
    assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    let outcome = shipped.build("FROM OTHER").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    Ok(())
}
