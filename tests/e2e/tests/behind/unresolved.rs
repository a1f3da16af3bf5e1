//! A frontend cannot use images without resolving them, in any way.

use refkit_e2e::{Build, Frontend, Stage, base, git, layout};

use crate::{PLATFORMS, Shipped};

fn shipped(allow: &str) -> anyhow::Result<Shipped> {
    let child = Frontend::program("frontend-unresolved")?;
    Shipped::with(Stage::new()?, child, &[("allow-list", &[("allow", allow)])], &[])
}

fn build<'a>(shipped: &'a Shipped, mode: &str, image: &str) -> Build<'a> {
    shipped.stage.build().gateway(&shipped.frontend).option("mode", mode).option("image", image)
}

#[test]
fn an_image() -> anyhow::Result<()> {
    let shipped = shipped("HOST/app")?;
    let raw = |image: &str| format!("docker-image://{image}");
    for (mode, app, other) in [
        ("image", shipped.app.clone(), shipped.other.clone()),
        ("raw", raw(&shipped.app), raw(&shipped.other)),
        ("convert", shipped.app.clone(), shipped.other.clone()),
    ] {
        let built = build(&shipped, mode, &app).built()?;
        assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()), "{mode}");
        let outcome = build(&shipped, mode, &other).fails()?;
        assert!(outcome.error().contains("denied by policy allow-list"), "{mode}: {}", outcome.log);
    }
    Ok(())
}

#[test]
fn one_reference_for_two_platforms() -> anyhow::Result<()> {
    let shipped = shipped("HOST/app")?;
    let built = build(&shipped, "platforms", &shipped.app).platform("linux/amd64,linux/arm/v7").built()?;
    assert_eq!(built.only()?.text("linux_amd64/variant")?, "app linux/amd64");
    assert_eq!(built.only()?.text("linux_arm_v7/variant")?, "app linux/arm/v7");
    Ok(())
}

#[test]
fn unreadable_documents() -> anyhow::Result<()> {
    let shipped = shipped("HOST/app")?;
    let outcome = build(&shipped, "build-op", &shipped.app).fails()?;
    assert!(outcome.error().contains("a definition that a file holds"), "{}", outcome.log);
    let outcome = build(&shipped, "exec-mount", &shipped.app).option("from", &shipped.other).fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    let outcome = build(&shipped, "cache", &shipped.other).fails()?;
    assert!(outcome.error().contains("which the build's options do not name"), "{}", outcome.log);
    shipped.stage.registry.clear()?;
    Ok(())
}

#[test]
fn content_by_its_digest() -> anyhow::Result<()> {
    let shipped = shipped("HOST/app")?;
    let refusal = "is content of no image that this build was allowed";
    let blob = shipped.stage.put_blob("app", b"a blob of the repository")?;
    let outcome = build(&shipped, "blob", &blob).fails()?;
    assert!(outcome.error().contains(refusal), "{}", outcome.log);
    let (bundle, commit) = git::bundle("file", "in the bundle")?;
    let blob = shipped.stage.put_blob("app", &bundle)?;
    let outcome = build(&shipped, "git-bundle", &blob).option("commit", &commit).fails()?;
    assert!(outcome.error().contains(refusal), "{}", outcome.log);
    Ok(())
}

#[test]
fn a_layout() -> anyhow::Result<()> {
    let shipped = shipped("oci-layout/refkit.invalid/any")?;
    let image = base::index("in a layout", &PLATFORMS)?;
    let directory = layout("1", &image)?;
    let run = |name: &str, mode| {
        let reference = format!("refkit.invalid/{name}@{}", image.digest());
        build(&shipped, mode, &reference).option("store", "mine").layout("mine", directory.path())
    };
    assert_eq!(run("any", "oci-layout").built()?.only()?.text("variant")?, format!("in a layout {}", base::native()));
    let outcome = run("none", "oci-layout").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    let outcome = run("any", "oci-layout-blob").fails()?;
    assert!(outcome.error().contains("is content of no image"), "{}", outcome.log);
    Ok(())
}

/// Attestations come from BuildKit; if it cannot read them, it gets no request, because BuildKit 0.34.2 would crash.
#[test]
fn attestations_of_an_image() -> anyhow::Result<()> {
    let shipped = shipped("HOST/*")?;
    let index = base::attested("attested", &PLATFORMS)?;
    let (image, attestation) = (index.children()[0].digest(), index.children()[PLATFORMS.len()].digest());
    let attested = shipped.stage.put("attested", &index)?;
    let built = build(&shipped, "attestations", &attested).built()?;
    assert_eq!(built.only()?.text("chain")?, format!("{} {image} {attestation}", index.digest()));
    let single = shipped.stage.put("single", &base::image("single", base::native())?.build())?;
    let built = build(&shipped, "attestations", &single).built()?;
    assert_eq!(built.only()?.text("chain")?, "");
    shipped.stage.buildkitd.idle()
}

#[test]
fn a_nested_frontend() -> anyhow::Result<()> {
    let child = Frontend::program("frontend-nested")?;
    let shipped = Shipped::with(Stage::new()?, child, &[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let unresolved = shipped.stage.put("unresolved", &Frontend::program("frontend-unresolved")?.image())?;
    let dockerfile = format!("FROM {}", shipped.app);
    let begin = || shipped.stage.build().gateway(&shipped.frontend);
    let builds = [
        begin().option("nested", "dockerfile.v0").dockerfile(&dockerfile),
        begin()
            .option("nested", "gateway.v0")
            .option("nested:source", &unresolved)
            .option("nested:image", &shipped.app),
    ];
    for build in builds {
        let outcome = build.fails()?;
        assert!(outcome.error().contains("would get past the policies of this frontend"), "{}", outcome.log);
    }
    Ok(())
}

/// A `# syntax=` line, if the build names the frontend as well: the policies decide about its own image in another
/// round.
#[test]
fn its_own_image_by_a_syntax_line() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let plain = shipped.stage.put("plain", &Frontend::dockerfile()?.image())?;
    let begin = |syntax: &str, from: &str| {
        let dockerfile = format!("# syntax={syntax}\nFROM {from}");
        shipped.stage.build().gateway(&shipped.frontend).dockerfile(&dockerfile)
    };
    let built = begin(&shipped.frontend, &shipped.app).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    let outcome = begin(&shipped.frontend, &shipped.other).fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    let by_argument = begin(&plain, &shipped.app).arg("BUILDKIT_SYNTAX", &shipped.frontend).built()?;
    assert_eq!(by_argument.only()?.text("variant")?, format!("app {}", base::native()));

    let outcome = begin(&plain, &shipped.app).fails()?;
    assert!(outcome.error().contains("name this frontend's image in that line"), "{}", outcome.log);
    // A named context with the image's name would be another frontend.
    let digest = refkit_e2e::Built::root(&shipped.stage.registry, "frontend", "1")?;
    let pinned = format!("{}@{digest}", shipped.frontend);
    let outcome = begin(&pinned, &shipped.app).context(&pinned, &format!("docker-image://{plain}")).fails()?;
    assert!(outcome.error().contains("would get past the policies of this frontend"), "{}", outcome.log);
    Ok(())
}
