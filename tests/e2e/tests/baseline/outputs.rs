//! The destinations of a build's result.

use refkit_e2e::{Built, Files, Output, Stage, base};

use crate::PLATFORMS;

#[test]
fn a_directory() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let dockerfile = format!("FROM scratch\nCOPY --from={app} /variant /copied\nCOPY given /");
    let build = stage.build().dockerfile(&dockerfile).file("given", b"from the context");
    let outcome = build.output(Output::Directory).run()?.succeeded()?;
    let files = Files::of_directory(&outcome.output())?;
    assert_eq!(files.paths().collect::<Vec<_>>(), ["copied", "given"]);
    assert_eq!(files.text("copied")?, format!("app {}", base::native()));
    assert_eq!(files.text("given")?, "from the context");
    Ok(())
}

#[test]
fn a_push() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let to = format!("{}/built:1", stage.registry.host());
    let build = stage.build().dockerfile(&format!("FROM {app}")).platform("linux/arm64,linux/arm/v7");
    let outcome = build.output(Output::Push(to)).run()?.succeeded()?;
    let built = Built::from_registry(&stage.registry, "built", "1")?;
    assert_eq!(outcome.metadata["containerimage.digest"], built.digest.as_str());
    for platform in ["linux/arm64", "linux/arm/v7"] {
        assert_eq!(built.image(platform)?.text("variant")?, format!("app {platform}"));
    }
    Ok(())
}
