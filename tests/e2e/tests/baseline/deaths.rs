//! A frontend that dies. BuildKit does not notice a frontend that hangs, and its message about one that has ended
//! depends on whether the stream or the process ends first.

use refkit_e2e::{Frontend, Outcome, Stage, base};

/// The calls, in order.
const CALLS: [&str; 7] = ["Ping", "Inputs", "Solve", "StatFile", "ReadFile", "ResolveSourceMeta", "Return"];

/// BuildKit's prefix of the reason, if an option named the frontend's image.
const PREFIX: &str = "failed with build-arg:BUILDKIT_SYNTAX = 127.0.0.1:[PORT]/frontend:1: ";

#[test]
fn at_every_call() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &[base::native()])?)?;
    let frontend = stage.put("frontend", &Frontend::program("frontend-die")?.image())?;
    let die = |call, when, how| {
        let build = stage.build().syntax(&frontend).dockerfile(&format!("FROM {app}"));
        build.option("die-at", call).option("die-when", when).option("die-how", how).run()
    };
    let closed = "frontend grpc server closed unexpectedly";
    for call in CALLS {
        for when in ["before", "after"] {
            for (how, reason) in [("exit", "exit code: 3"), ("leave", "no result for incomplete build")] {
                let outcome = die(call, when, how)?;
                if (call, when, how) == ("Return", "after", "leave") {
                    assert!(outcome.success, "nothing was left to do:\n{}", outcome.log);
                    continue;
                }
                let error = Outcome::neutral(outcome.error());
                let said = [reason, closed].iter().any(|reason| error == format!("{PREFIX}{reason}"));
                assert!(said, "{call} {when} {how}:\n{}", outcome.log);
            }
        }
    }
    assert_eq!(Outcome::neutral(die("ReadFile", "before", "garbage")?.error()), format!("{PREFIX}{closed}"));
    stage.buildkitd.idle()
}
