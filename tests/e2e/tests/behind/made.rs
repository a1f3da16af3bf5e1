//! Images made by `refkit frontend image`.

use refkit_e2e::{Frontend, Stage, base};

use crate::PLATFORMS;

#[test]
fn an_image_that_the_command_makes() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let other = stage.put("other", &base::index("other", &PLATFORMS)?)?;
    let plain = stage.put("plain", &Frontend::dockerfile()?.image())?;
    let allow = format!("allow={}/app", stage.registry.host());
    let made = crate::made(&stage, &plain, Some("allow-list"), &[&allow])?;
    let build = |image: &str| stage.build().syntax(&made).dockerfile(&format!("FROM {image}"));
    assert_eq!(build(&app).built()?.only()?.text("variant")?, format!("app {}", base::native()));
    let outcome = build(&other).fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);

    let mut check = std::process::Command::new(refkit_support::command()?);
    let checked = check.args(["frontend", "image", "--check", &made]).env_clear().output()?;
    let text = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{text}{}", String::from_utf8_lossy(&checked.stderr));
    for part in ["allow-list 1.0.0", "settings", env!("CARGO_PKG_VERSION")] {
        assert!(text.contains(part), "{part}: {text}");
    }
    Ok(())
}

/// For a trial: the default policy decides alone, and REFKIT_EXPLAIN shows how.
#[test]
fn an_image_without_policies() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let plain = stage.put("plain", &Frontend::dockerfile()?.image())?;
    let made = crate::made(&stage, &plain, None, &[])?;
    let build = || stage.build().syntax(&made).dockerfile(&format!("FROM {app}"));
    assert_eq!(build().built()?.only()?.text("variant")?, format!("app {}", base::native()));
    let outcome = build().arg("REFKIT_EXPLAIN", "1").run()?.succeeded()?;
    assert!(outcome.log.contains("policy default: "), "{}", outcome.log);
    Ok(())
}
