//! Policies that a build brings, where the image's maker lets it.

use crate::{Shipped, component};

#[test]
fn only_where_the_image_allows_it() -> anyhow::Result<()> {
    let closed = Shipped::new(&[], &[])?;
    let blob = closed.stage.put_blob("policies", &component("allow-list")?)?;
    let brought = format!("docker-image+blob://{blob}");
    let outcome = closed.build("FROM APP").arg("REFKIT_POLICY", &brought).fails()?;
    assert!(outcome.error().contains("allows only its own"), "{}", outcome.log);

    let open = Shipped::new(&[], &["--allow-policy", "build-arg"])?;
    let blob = open.stage.put_blob("policies", &component("allow-list")?)?;
    let brought = format!("docker-image+blob://{blob}");
    let allow = format!("allow={}/app", open.stage.registry.host());
    let build = |text: &str| open.build(text).arg("REFKIT_POLICY", &brought).arg("REFKIT_SET", &allow);
    build("FROM APP").run()?.succeeded()?;
    let outcome = build("FROM OTHER").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);

    let tagged = format!("docker-image://{}", open.app);
    let outcome = open.build("FROM APP").arg("REFKIT_POLICY", &tagged).fails()?;
    assert!(outcome.error().contains("by its digest"), "{}", outcome.log);
    Ok(())
}
