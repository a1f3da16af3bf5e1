//! A frontend behind RefKit that dies: the build ends with a clear error, and no process remains.

use refkit_e2e::{Frontend, Stage};

use crate::Shipped;

/// The calls, in order.
const CALLS: [&str; 7] = ["Ping", "Inputs", "Solve", "StatFile", "ReadFile", "ResolveSourceMeta", "Return"];

#[test]
fn at_every_call() -> anyhow::Result<()> {
    let child = Frontend::program("frontend-die")?;
    let shipped = Shipped::with(Stage::new()?, child, &[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let die = |call, when, how| {
        let build = shipped.build("FROM APP").option("die-at", call).option("die-when", when);
        build.option("die-how", how).run()
    };
    for call in CALLS {
        for when in ["before", "after"] {
            let after_all = (call, when) == ("Return", "after");
            let outcome = die(call, when, "exit")?;
            let error = outcome.error();
            let said = error.ends_with("the frontend /frontend-die ended with exit code 3");
            assert!(said || after_all && error.contains("exit code: 1"), "{call} {when}:\n{}", outcome.log);
            let outcome = die(call, when, "leave")?;
            let said = outcome.error().ends_with("the frontend /frontend-die ended without a result");
            assert!(said || after_all && outcome.success, "{call} {when}:\n{}", outcome.log);
        }
    }
    shipped.stage.buildkitd.idle()
}

#[test]
fn with_garbage() -> anyhow::Result<()> {
    let shipped = Shipped::with(Stage::new()?, Frontend::program("frontend-die")?, &[], &[])?;
    let build = shipped.build("FROM APP").option("die-at", "ReadFile").option("die-when", "before");
    let outcome = build.option("die-how", "garbage").fails()?;
    assert!(outcome.error().contains("wrote to its standard output what is no HTTP/2"), "{}", outcome.log);
    shipped.stage.buildkitd.idle()
}

#[test]
fn that_is_not_there() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[], &["--", "/nowhere"])?;
    let outcome = shipped.build("FROM APP").fails()?;
    assert!(outcome.error().contains("the frontend /nowhere cannot be started"), "{}", outcome.log);
    shipped.stage.buildkitd.idle()
}
