//! Builds of many images, and RefKit's cost for them.

use std::time::Duration;

use refkit_e2e::{Build, Frontend, Output, Stage, base};

use crate::{PLATFORMS, Shipped};

/// Returns a Dockerfile that copies from so many images, each under a tag of its own.
fn dockerfile(stage: &Stage, images: usize) -> anyhow::Result<String> {
    let image = base::index("many", &PLATFORMS)?;
    let lines = (0..images).map(|number| {
        let reference = stage.put(&format!("many{number}"), &image)?;
        Ok(format!("COPY --from={reference} /variant /variant{number}"))
    });
    let lines = lines.collect::<anyhow::Result<Vec<String>>>()?;
    Ok(format!("FROM scratch\n{}", lines.join("\n")))
}

#[test]
fn a_hundred_images() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let text = dockerfile(&shipped.stage, 100)?;
    let built = shipped.build(&text).built()?;
    assert_eq!(built.only()?.text("variant99")?, format!("many {}", base::native()));
    shipped.stage.buildkitd.idle()
}

/// Prints the cost of a build without changes that uses ten images: with the Dockerfile frontend in its own image, and
/// behind RefKit with a policy. The test checks the number of requests at the registry, not the time.
#[test]
fn the_cost_of_ten_images() -> anyhow::Result<()> {
    const RUNS: usize = 11;
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let plain = shipped.stage.put("plain", &Frontend::dockerfile()?.image())?;
    let text = dockerfile(&shipped.stage, 10)?;
    let allow = format!("allow={}/*", shipped.stage.registry.host());
    let made = crate::made(&shipped.stage, &plain, Some("allow-list"), &[&allow])?;
    let ours = || shipped.stage.build().syntax(&made).dockerfile(&text);
    let theirs = || shipped.stage.build().syntax(&plain).dockerfile(&text);
    let measured = |build: Build<'_>| -> anyhow::Result<(Duration, usize)> {
        shipped.stage.registry.clear()?;
        let elapsed = build.output(Output::Nothing).run()?.succeeded()?.elapsed;
        Ok((elapsed, shipped.stage.registry.requests()?.len()))
    };
    let (_, first_of_theirs) = measured(theirs())?;
    measured(ours())?;
    let mut ratios = Vec::new();
    let mut requests = (0, 0);
    for _ in 0..RUNS {
        let (theirs, of_theirs) = measured(theirs())?;
        let (ours, of_ours) = measured(ours())?;
        ratios.push(ours.as_secs_f64() / theirs.as_secs_f64());
        requests = (of_ours, of_theirs);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "a build that changes nothing, 10 images, {RUNS} pairs: behind RefKit {:.2} times as long (median;",
        ratios[RUNS / 2]
    );
    println!(
        "  {:.2} to {:.2}); {} requests at the registry, {} without RefKit",
        ratios[0],
        ratios[RUNS - 1],
        requests.0,
        requests.1
    );
    println!("  the first build of all asked {first_of_theirs} times without RefKit");
    assert_eq!(requests.0, requests.1);
    Ok(())
}

/// A tag costs one request for each platform, as with the Dockerfile frontend alone.
#[test]
fn several_platforms_ask_the_registry_as_often() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let plain = shipped.stage.put("plain", &Frontend::dockerfile()?.image())?;
    let text = dockerfile(&shipped.stage, 3)?;
    let requests = |frontend: &str| -> anyhow::Result<usize> {
        let build = || shipped.stage.build().syntax(frontend).dockerfile(&text).platform(&PLATFORMS.join(","));
        build().output(Output::Nothing).run()?.succeeded()?;
        shipped.stage.registry.clear()?;
        build().output(Output::Nothing).run()?.succeeded()?;
        shipped.stage.registry.count("* /v2/many*")
    };
    assert_eq!([requests(&shipped.frontend)?, requests(&plain)?], [3 * PLATFORMS.len(); 2]);
    Ok(())
}
