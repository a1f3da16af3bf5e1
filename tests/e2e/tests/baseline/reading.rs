//! The output for people.

use refkit_e2e::{Outcome, Stage, base};

use crate::PLATFORMS;

#[test]
fn a_warning() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let outcome = stage.build().dockerfile(&format!("FROM {app} as one")).run()?.succeeded()?;
    let warning = "FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)";
    assert_eq!(outcome.warnings(), [warning]);
    Ok(())
}

#[test]
fn a_denial_by_a_static_source_policy() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let policy = r#"{"version":1,"rules":[{"action":"DENY","selector":{"identifier":"docker-image://*"}}]}"#;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("policy.json");
    std::fs::write(&file, policy)?;
    let build = stage.build().dockerfile(&format!("FROM scratch AS one\nFROM {app}"));
    let outcome = build.argument("--source-policy-file", file.display().to_string()).fails()?;
    assert_eq!(outcome.status, Some(1));
    assert_eq!(outcome.error_line(), Some(&*format!("FROM {app}")));
    let reason = "127.0.0.1:[PORT]/app:1: failed to resolve source metadata for 127.0.0.1:[PORT]/app:1: \
        could not resolve image due to policy: source \"docker-image://127.0.0.1:[PORT]/app:1\" denied by policy: \
        source denied by policy";
    assert_eq!(Outcome::neutral(outcome.error()), reason);
    Ok(())
}
