//! A registry that is reachable only through its mirror.

use refkit_e2e::{Build, Buildkitd, base, put};
use refkit_support::{Auth, RealRegistry};

use crate::PLATFORMS;

#[test]
fn the_mirror_of_the_configuration_is_asked() -> anyhow::Result<()> {
    let mirror = RealRegistry::distribution_v3(Auth::Anonymous)?;
    put(&mirror, "app", "1", &base::index("mirrored", &PLATFORMS)?)?;
    let settings = format!("[registry.\"refkit.invalid\"]\nmirrors = [\"{}\"]", mirror.host());
    let buildkitd = Buildkitd::start(&settings)?;
    let built = Build::new(&buildkitd).dockerfile("FROM refkit.invalid/app:1").built()?;
    assert_eq!(built.only()?.text("variant")?, format!("mirrored {}", base::native()));
    assert_eq!(mirror.count("HEAD /v2/app/manifests/1?ns=refkit.invalid")?, 1);
    Ok(())
}
