//! The requests and steps of a second build.

use refkit_e2e::{Buildkitd, Output, Stage, base};

use crate::PLATFORMS;

#[test]
fn a_second_build_asks_for_the_tag_and_does_nothing() -> anyhow::Result<()> {
    for snapshotter in ["native", "overlayfs"] {
        second_build(Buildkitd::start_with(snapshotter, "")?)?;
    }
    Ok(())
}

fn second_build(buildkitd: Buildkitd) -> anyhow::Result<()> {
    let stage = Stage { buildkitd: buildkitd.into(), ..Stage::new()? };
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    let dockerfile = format!("FROM {app}\nRUN cp /variant /tmp/copied");
    let build = || stage.build().dockerfile(&dockerfile).output(Output::Nothing).run();

    let first = build()?.succeeded()?;
    assert!(first.steps().iter().all(|step| !step.cached), "{}", first.log);
    let requests: Vec<String> = stage.registry.requests()?.iter().map(|request| request.method.clone()).collect();
    assert_eq!(requests, ["HEAD", "GET", "GET", "GET", "GET", "GET"], "tag; index, manifest, config, two layers");

    stage.registry.clear()?;
    let second = build()?.succeeded()?;
    let cached: Vec<String> = second.steps().into_iter().filter(|step| step.cached).map(|step| step.name).collect();
    assert_eq!(cached, ["[2/2] RUN cp /variant /tmp/copied"]);
    let requests: Vec<String> = stage.registry.requests()?.iter().map(ToString::to_string).collect();
    assert_eq!(requests, ["HEAD /v2/app/manifests/1 200"]);
    Ok(())
}
