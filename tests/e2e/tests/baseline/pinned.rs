//! Pinned references, and entries beside the images of an index.

use refkit_e2e::{Stage, base};

use crate::PLATFORMS;

#[test]
fn an_index_by_digest() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let index = base::index("pinned", &PLATFORMS)?;
    let app = stage.put("app", &index)?;
    let built = stage.build().dockerfile(&format!("FROM {app}@{}", index.digest())).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("pinned {}", base::native()));
    assert_eq!(stage.registry.count("* */manifests/1")?, 0, "nobody asks for the tag");
    Ok(())
}

#[test]
fn a_manifest_by_digest_whatever_its_platform() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let index = base::index("pinned manifest", &PLATFORMS)?;
    stage.put("app", &index)?;
    let digest = index.children()[3].digest();
    let built = stage.build().dockerfile(&format!("FROM {}/app@{digest}", stage.registry.host())).built()?;
    assert_eq!(built.only()?.text("variant")?, "pinned manifest linux/arm/v7");
    Ok(())
}

#[test]
fn an_index_with_attestations() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let index = base::attested("attested", &PLATFORMS)?;
    let app = stage.put("app", &index)?;
    let build = stage.build().dockerfile(&format!("FROM {app}")).platform("linux/amd64,linux/arm64");
    let built = build.provenance().built()?;
    for platform in ["linux/amd64", "linux/arm64"] {
        let image = built.image(platform)?;
        assert_eq!(image.text("variant")?, format!("attested {platform}"));
        let package = format!("pkg:docker/{}/app@1?platform={}", stage.registry.host(), platform.replace('/', "%2F"));
        assert_eq!(image.materials()?, [(package, index.digest().to_string())]);
    }
    Ok(())
}
