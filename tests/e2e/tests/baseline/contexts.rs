//! Named contexts that replace images.

use refkit_e2e::{Stage, base, layout};

use crate::PLATFORMS;

#[test]
fn an_image() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let dockerfile = "FROM refkit.invalid/nowhere\nCOPY --from=named /variant /copied";
    let build = stage.build().dockerfile(dockerfile);
    let build = build.context("refkit.invalid/nowhere", &format!("docker-image://{app}"));
    let built = build.context("named", &format!("docker-image://{app}")).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    assert_eq!(built.only()?.text("copied")?, format!("app {}", base::native()));
    Ok(())
}

#[test]
fn a_layout() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let image = base::index("in a layout", &PLATFORMS)?;
    let directory = layout("1", &image)?;
    let build =
        stage.build().dockerfile("FROM named").context("named", &format!("oci-layout://mine@{}", image.digest()));
    let built = build.layout("mine", directory.path()).provenance().built()?;
    assert_eq!(built.only()?.text("variant")?, format!("in a layout {}", base::native()));
    let materials = built.only()?.materials()?;
    assert_eq!(materials.len(), 1, "{materials:?}");
    assert_eq!(materials[0].1, image.digest().as_str());

    let build = stage.build().dockerfile("FROM named").context("named", "oci-layout://mine:1");
    let outcome = build.layout("mine", directory.path()).fails()?;
    assert_eq!(outcome.error(), "oci-layout reference \"mine:1\" has no digest");
    Ok(())
}
