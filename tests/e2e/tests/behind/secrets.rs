//! A registry whose credentials only the session of a build has: policies decide, and do not see them.

use refkit_e2e::{Frontend, Stage, base};
use refkit_support::Auth;

use crate::Shipped;

#[test]
fn the_session_has_the_credentials() -> anyhow::Result<()> {
    let (user, password) = ("builder", "a secret of the session");
    let stage = Stage::with(Auth::Basic { user, password })?;
    let policy = ("allow-list", &[("allow", "HOST/app")][..]);
    let shipped = Shipped::with(stage, Frontend::dockerfile()?, &[policy], &[])?;
    let host = shipped.stage.registry.host();
    let built = shipped.build("FROM APP").login(host, user, password).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("app {}", base::native()));
    let outcome = shipped.build("FROM OTHER").login(host, user, password).fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    Ok(())
}

#[test]
fn a_probe_finds_nothing() -> anyhow::Result<()> {
    let settings = [("mode", "probe"), ("other", "HOST/other")];
    let shipped = Shipped::new(&[("hostile", &settings[..1])], &[])?;
    let outcome = shipped.build("FROM APP").fails()?;
    assert!(outcome.error().contains("NotGranted"), "{}", outcome.log);
    Ok(())
}

#[test]
fn a_policy_that_runs_over_ends_the_build() -> anyhow::Result<()> {
    for (mode, reason) in [("loop", "processor time"), ("panic", "crashed"), ("grow", "bytes of memory")] {
        let shipped = Shipped::new(&[("hostile", &[("mode", mode)])], &[])?;
        let outcome = shipped.build("FROM APP").fails()?;
        assert!(outcome.error().contains(reason), "{mode}: {}", outcome.log);
        shipped.stage.buildkitd.idle()?;
    }
    Ok(())
}
