//! One build, from the first word to the last.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use refkit_buildkit::{Bridge, BuildkitSource, Connection, pb};
use tonic::Code;

use crate::arguments::Arguments;
use crate::caches::Caches;
use crate::calls::BuildCalls;
use crate::child::Child;
use crate::decide::Decisions;
use crate::environment::Environment;
use crate::nested::Nested;
use crate::own;
use crate::policies;
use crate::proxy;
use crate::refusal::one_line;
use crate::report::Reporter;
use crate::sources::Sources;
use crate::stdio;

/// How long BuildKit may take to hear why there is no result.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The build argument that asks for explanations.
const EXPLAIN: &str = "REFKIT_EXPLAIN";

/// Runs the frontend to its end, with policies between it and BuildKit. Whoever builds is told why there is no result,
/// if there is none.
///
/// # Errors
/// Why there is no result, where the frontend has not said so itself.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    stdio::shield().context("cannot keep other processes from the connection to BuildKit")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stream = stdio::stdio().context("standard input and output are no connection to BuildKit")?;
        let connection = Connection::handshake(stream).await.context("cannot speak with BuildKit")?;
        let bridge = Bridge::new(connection.clone());
        let result = build(arguments, &Environment::of_process(), &bridge).await;
        if let Err(Ended { error, told: false }) = &result {
            let status = pb::Status { code: Code::Unknown.into(), message: told(error), details: Vec::new() };
            let request = pb::ReturnRequest { result: None, error: Some(status) };
            // There is nobody else left to tell.
            let _ = tokio::time::timeout(LAST_WORDS, bridge.return_(request)).await;
        }
        result.map_err(|ended| anyhow!(told(&ended.error)))
    });
    // Nothing waits for standard input any more.
    runtime.shutdown_background();
    result
}

/// Returns an error in one line, with its causes where it does not say them itself.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    one_line(&text)
}

/// The end of a build without a result.
struct Ended {
    error: anyhow::Error,
    /// Whether BuildKit knows.
    told: bool,
}

impl<E: Into<anyhow::Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self { error: error.into(), told: false }
    }
}

async fn build(arguments: &Arguments, environment: &Environment, bridge: &Bridge) -> Result<(), Ended> {
    let Some((program, rest)) = arguments.child.split_first() else {
        return Err(anyhow!("there is no frontend to start").into());
    };
    bridge.ping().await.map_err(|status| anyhow!("BuildKit does not answer: {status}"))?.check_images()?;
    let source = BuildkitSource::new(bridge.clone(), Default::default());
    let chain = policies::chain(arguments, environment, &source).await?;
    // Not before: the child could otherwise write into a process that compiles a policy, whose code runs in this one.
    let child = Child::start(program, rest)?;
    let explains = environment.build_argument(EXPLAIN).is_some_and(|value| !matches!(value, "" | "0" | "false"));
    let reporter = Reporter::new(bridge.clone(), explains);
    let decisions = Decisions::new(chain, source, reporter);
    let sources = Sources { decisions, bridge: bridge.clone(), own: refkit::platform::of_this_machine() };
    let nested = Nested::new(own::definition().as_ref().and_then(own::digest), environment.options.clone());
    let calls = Arc::new(BuildCalls::new(sources, Caches::of(&environment.options), nested));
    let ended = proxy::run(child, bridge.connection().clone(), calls.clone()).await;
    match ended {
        // What a frontend does after its last word concerns nobody, but that it ends.
        Ok(()) if calls.returned() => Ok(()),
        Ok(()) => Err(anyhow!("the frontend {} ended without a result", program.to_string_lossy()).into()),
        Err(failure) => Err(Ended { error: failure.into(), told: calls.returned() }),
    }
}
