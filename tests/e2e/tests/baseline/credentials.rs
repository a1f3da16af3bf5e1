//! A registry whose credentials only the session of a build has.

use refkit_e2e::{Stage, base};
use refkit_support::Auth;

use crate::PLATFORMS;

#[test]
fn only_the_session_has_them() -> anyhow::Result<()> {
    let (user, password) = ("builder", "a secret of the session");
    let stage = Stage::with(Auth::Basic { user, password })?;
    let app = stage.put("app", &base::index("private", &PLATFORMS)?)?;
    let host = stage.registry.host();
    let dockerfile = format!("FROM {app}");

    let refused = format!(
        "{app}: failed to resolve source metadata for {app}: unexpected status from HEAD request to \
        http://{host}/v2/app/manifests/1: 401 Unauthorized"
    );
    let without = stage.build().dockerfile(&dockerfile).fails()?;
    assert_eq!(without.error(), refused);
    let wrong = stage.build().dockerfile(&dockerfile).login(host, user, "another").fails()?;
    assert!(wrong.error().starts_with(&format!("{app}: failed to resolve source metadata")), "{}", wrong.log);

    let built = stage.build().dockerfile(&dockerfile).login(host, user, password).built()?;
    assert_eq!(built.only()?.text("variant")?, format!("private {}", base::native()));
    Ok(())
}
