//! Frontends in images.

use refkit_e2e::{Frontend, Stage, base};
use refkit_support::image::Image;

use crate::PLATFORMS;

/// Builds the same with the frontend that is part of BuildKit and with one in an image, and compares the results.
fn compare(frontend: &Image) -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::attested("app", &PLATFORMS)?)?;
    let syntax = stage.put("frontend", frontend)?;
    let dockerfile = format!("FROM {app}\nCOPY --from={app} /variant /copied\nRUN cp /variant /ran");
    let build = || stage.build().dockerfile(&dockerfile).provenance();
    let ours = build().syntax(&syntax).built()?;
    let theirs = build().built()?;
    let (ours, theirs) = (ours.only()?, theirs.only()?);
    assert_eq!(ours.files, theirs.files);
    assert_eq!(ours.config["config"], theirs.config["config"]);
    let mut materials = ours.materials()?;
    materials.retain(|(package, _)| !package.contains("/frontend@"));
    assert_eq!(materials, theirs.materials()?);
    stage.buildkitd.idle()
}

#[test]
fn the_dockerfile_frontend_in_an_image() -> anyhow::Result<()> {
    compare(&Frontend::dockerfile()?.image())
}

#[test]
fn a_frontend_that_asks_for_configs() -> anyhow::Result<()> {
    compare(&Frontend::program("frontend-old")?.image())
}

#[test]
fn a_frontend_without_a_dockerfile_in_front() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let frontend = stage.put("frontend", &Frontend::dockerfile()?.image())?;
    let built = stage.build().gateway(&frontend).dockerfile(&format!("FROM {app}")).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    Ok(())
}

#[test]
fn a_nested_frontend() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let nested = stage.put("nested", &Frontend::program("frontend-nested")?.image())?;
    let unresolved = stage.put("unresolved", &Frontend::program("frontend-unresolved")?.image())?;
    let dockerfile = format!("FROM scratch\nCOPY --from={app} /variant /");
    let builds = [
        stage.build().option("nested", "dockerfile.v0").dockerfile(&dockerfile),
        stage.build().option("nested", "gateway.v0").option("nested:source", &unresolved).option("nested:image", &app),
    ];
    for build in builds {
        let built = build.gateway(&nested).built()?;
        assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    }
    Ok(())
}
