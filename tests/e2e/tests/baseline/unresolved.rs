//! A frontend that uses images without resolving them, in every possible way.

use refkit_e2e::{Build, Frontend, Stage, base, git, layout};

use crate::PLATFORMS;

/// A stage with the image `app` and the frontend.
struct Unresolved {
    stage: Stage,
    app: String,
    frontend: String,
}

impl Unresolved {
    fn new() -> anyhow::Result<Self> {
        let stage = Stage::new()?;
        let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
        let frontend = stage.put("frontend", &Frontend::program("frontend-unresolved")?.image())?;
        Ok(Self { stage, app, frontend })
    }

    fn build(&self, mode: &str, image: &str) -> Build<'_> {
        self.stage.build().gateway(&self.frontend).option("mode", mode).option("image", image)
    }
}

#[test]
fn an_image() -> anyhow::Result<()> {
    let unresolved = Unresolved::new()?;
    let app = &unresolved.app;
    let native = format!("app {}", base::native());
    let raw = format!("docker-image://{app}");
    for (build, variant) in [
        (unresolved.build("image", app), &*native),
        (unresolved.build("image", app).platform("linux/arm/v7"), "app linux/arm/v7"),
        (unresolved.build("raw", &raw), &native),
        (unresolved.build("build-op", app), &native),
        (unresolved.build("exec-mount", app).option("from", app), &native),
        (unresolved.build("convert", app), &native),
    ] {
        assert_eq!(build.built()?.only()?.text("variant")?, variant);
    }
    Ok(())
}

#[test]
fn one_reference_for_two_platforms() -> anyhow::Result<()> {
    let unresolved = Unresolved::new()?;
    let built = unresolved.build("platforms", &unresolved.app).platform("linux/amd64,linux/arm/v7").built()?;
    assert_eq!(built.only()?.text("linux_amd64/variant")?, "app linux/amd64");
    assert_eq!(built.only()?.text("linux_arm_v7/variant")?, "app linux/arm/v7");
    Ok(())
}

#[test]
fn a_blob() -> anyhow::Result<()> {
    let unresolved = Unresolved::new()?;
    let blob = unresolved.stage.put_blob("app", b"a blob of the repository")?;
    let built = unresolved.build("blob", &blob).built()?;
    assert_eq!(built.only()?.text("blob")?, "a blob of the repository");
    Ok(())
}

#[test]
fn a_commit_in_a_blob() -> anyhow::Result<()> {
    let unresolved = Unresolved::new()?;
    let (bundle, commit) = git::bundle("file", "in the bundle")?;
    let blob = unresolved.stage.put_blob("app", &bundle)?;
    let built = unresolved.build("git-bundle", &blob).option("commit", &commit).built()?;
    assert_eq!(built.only()?.text("file")?, "in the bundle");
    Ok(())
}

#[test]
fn a_layout() -> anyhow::Result<()> {
    let unresolved = Unresolved::new()?;
    let image = base::index("in a layout", &PLATFORMS)?;
    let directory = layout("1", &image)?;
    let reference = format!("refkit.invalid/any@{}", image.digest());
    let build = |mode| unresolved.build(mode, &reference).option("store", "mine").layout("mine", directory.path());
    assert_eq!(build("oci-layout").built()?.only()?.text("variant")?, format!("in a layout {}", base::native()));
    assert_eq!(build("oci-layout-blob").built()?.only()?.files.get("blob")?, &image.bytes[..]);
    Ok(())
}

#[test]
fn a_cache() -> anyhow::Result<()> {
    let unresolved = Unresolved::new()?;
    unresolved.stage.registry.clear()?;
    let built = unresolved.build("cache", &unresolved.app).built()?;
    assert_eq!(built.only()?.text("empty")?, "");
    assert_eq!(unresolved.stage.registry.count("* /v2/app/manifests/1")?, 1, "BuildKit looks for a cache there");
    Ok(())
}
