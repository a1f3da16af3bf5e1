//! Every form in which a Dockerfile names an image.

use refkit_e2e::{Stage, base};

use crate::PLATFORMS;

#[test]
fn from() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let built = stage.build().dockerfile(&format!("FROM {app}\nRUN echo \"ran on $VARIANT\" >/ran")).built()?;
    let image = built.only()?;
    let native = base::native();
    assert_eq!(image.text("variant")?, format!("app {native}"));
    assert_eq!(image.text("ran")?, format!("ran on app {native}\n"));
    assert_eq!(image.env("VARIANT"), Some(&*format!("app {native}")));
    Ok(())
}

#[test]
fn copy_from_an_image() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let built = stage.build().dockerfile(&format!("FROM scratch\nCOPY --from={app} /variant /copied")).built()?;
    assert_eq!(built.only()?.text("copied")?, format!("app {}", base::native()));
    Ok(())
}

#[test]
fn run_with_a_mount_from_an_image() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let other = stage.put("other", &base::index("other", &PLATFORMS)?)?;
    let run = format!("RUN --mount=from={other},target=/other cp /other/variant /copied");
    let built = stage.build().dockerfile(&format!("FROM {app}\n{run}")).built()?;
    assert_eq!(built.only()?.text("copied")?, format!("other {}", base::native()));
    Ok(())
}

#[test]
fn stages() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let other = stage.put("other", &base::index("other", &PLATFORMS)?)?;
    let dockerfile = format!("FROM {app} AS one\nRUN cp /variant /tmp/one\nFROM {other}\nCOPY --from=one /tmp/one /");
    let built = stage.build().dockerfile(&dockerfile).built()?;
    assert_eq!(built.only()?.text("one")?, format!("app {}", base::native()));
    assert_eq!(built.only()?.text("variant")?, format!("other {}", base::native()));

    let one = stage.build().dockerfile(&dockerfile).target("one").built()?;
    assert_eq!(one.only()?.text("tmp/one")?, format!("app {}", base::native()));
    Ok(())
}

#[test]
fn several_platforms() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let other = stage.put("other", &base::index("other", &PLATFORMS)?)?;
    let dockerfile = format!("FROM {app}\nCOPY --from={other} /variant /copied");
    let built = stage.build().dockerfile(&dockerfile).platform(&PLATFORMS.join(",")).built()?;
    assert_eq!(built.images.len(), PLATFORMS.len());
    for platform in PLATFORMS {
        let image = built.image(platform)?;
        assert_eq!(image.text("variant")?, format!("app {platform}"));
        assert_eq!(image.text("copied")?, format!("other {platform}"));
    }
    Ok(())
}

#[test]
fn an_argument_in_from() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    for name in ["app", "other"] {
        stage.put(name, &base::index(name, &PLATFORMS)?)?;
    }
    let dockerfile = format!("ARG NAME=app\nARG TAG\nFROM {}/$NAME:${{TAG:-1}}", stage.registry.host());
    for (name, arguments) in [("app", &[][..]), ("other", &[("NAME", "other"), ("TAG", "1")])] {
        let build = stage.build().dockerfile(&dockerfile);
        let built = arguments.iter().fold(build, |build, (name, value)| build.arg(name, value)).built()?;
        assert_eq!(built.only()?.text("variant")?, format!("{name} {}", base::native()));
    }
    Ok(())
}
