//! Builds with the source policy of a lock.
#![forbid(unsafe_code)]

use std::process::Command;

use anyhow::ensure;
use refkit_e2e::{Stage, base};
use tempfile::TempDir;

/// The platforms of the images.
const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// Locks a Dockerfile, and returns the directory with its source policy, `policy.json`.
fn locked(dockerfile: &str, more: &[&str]) -> anyhow::Result<TempDir> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("Dockerfile"), dockerfile)?;
    let mut lock = Command::new(refkit_support::command()?);
    lock.args(["lock", "--no-cache", "./Dockerfile", "--platform", base::native(), "--format", "buildkit"]).args(more);
    let output = lock.env_clear().env("HOME", directory.path()).current_dir(directory.path()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(directory.path().join("policy.json"), output.stdout)?;
    Ok(directory)
}

fn policy_of(directory: &TempDir) -> String {
    directory.path().join("policy.json").display().to_string()
}

#[test]
fn a_moved_tag_no_longer_changes_a_build() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("first", &PLATFORMS)?)?;
    let tools = stage.put("tools", &base::index("tools", &PLATFORMS)?)?;
    let dockerfile = format!(
        "FROM {app}\nCOPY --from={tools} /variant /copied\n\
         RUN --mount=from={tools},target=/x cp /x/variant /mounted\n"
    );
    let lock = locked(&dockerfile, &[])?;
    let variants = |policy: bool| -> anyhow::Result<[String; 3]> {
        let build = stage.build().dockerfile(&dockerfile);
        let build = if policy { build.argument("--source-policy-file", policy_of(&lock)) } else { build };
        let built = build.built()?;
        let image = built.only()?;
        Ok([image.text("variant")?.to_owned(), image.text("copied")?.to_owned(), image.text("mounted")?.to_owned()])
    };
    let of = |app: &str, tools: &str| [app, tools, tools].map(|name| format!("{name} {}", base::native()));
    assert_eq!(variants(true)?, of("first", "tools"));

    // Both tags move. The lock does not.
    stage.put("app", &base::index("second", &PLATFORMS)?)?;
    stage.put("tools", &base::index("later", &PLATFORMS)?)?;
    assert_eq!(variants(false)?, of("second", "later"), "without the policy it changes");
    assert_eq!(variants(true)?, of("first", "tools"));
    Ok(())
}

#[test]
fn an_image_outside_of_the_lock_is_denied() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let other = stage.put("other", &base::index("other", &PLATFORMS)?)?;
    let build = |policy: &TempDir| {
        let dockerfile = format!("FROM {app}\nCOPY --from={other} /variant /copied\n");
        stage.build().dockerfile(&dockerfile).argument("--source-policy-file", policy_of(policy))
    };
    let failed = build(&locked(&format!("FROM {app}\n"), &[])?).fails()?;
    assert!(failed.error().contains("denied by policy"), "{}", failed.error());
    let built = build(&locked(&format!("FROM {app}\n"), &["--allow-others"])?).built()?;
    assert_eq!(built.only()?.text("copied")?, format!("other {}", base::native()));
    Ok(())
}
