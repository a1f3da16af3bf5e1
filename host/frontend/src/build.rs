//! One build: the connection to BuildKit, the policies, the frontend behind this one, and the end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use refkit_buildkit::{Bridge, BuildkitSource, Connection, pb};
use tonic::Code;

use crate::arguments::Arguments;
use crate::child::Child;
use crate::environment::Environment;
use crate::own_image;
use crate::policies;
use crate::proxy;
use crate::rules::refusal::one_line;
use crate::rules::{Build, Rules};
use crate::stdio;

/// How long BuildKit may take to accept the error of a build: it may be gone already.
const RETURN_TIMEOUT: Duration = Duration::from_secs(5);

/// The build argument that asks for explanations.
const EXPLAIN: &str = "REFKIT_EXPLAIN";

/// Runs the frontend to its end, with policies between it and BuildKit. BuildKit gets the error of a build without a
/// result.
///
/// # Errors
/// The error of the build, where it has no result.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    stdio::shield().context("cannot keep other processes from the connection to BuildKit")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let stream = stdio::stdio().context("standard input and output are no connection to BuildKit")?;
        let connection = Connection::handshake(stream).await.context("cannot speak with BuildKit")?;
        let bridge = Bridge::new(connection.clone());
        let result = build(arguments, &Environment::of_process(), &bridge).await;
        if let Err(Failed { error, is_returned: false }) = &result {
            let status = pb::Status { code: Code::Unknown.into(), message: message(error), details: Vec::new() };
            let request = pb::ReturnRequest { result: None, error: Some(status) };
            // A failure of this call has no other receiver than BuildKit.
            let _ = tokio::time::timeout(RETURN_TIMEOUT, bridge.return_(request)).await;
        }
        result.map_err(|failed| anyhow!(message(&failed.error)))
    });
    // A read of standard input may still block a thread of the runtime.
    runtime.shutdown_background();
    result
}

/// Returns an error in one line, with each cause that its text does not contain yet.
fn message(error: &anyhow::Error) -> String {
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

/// The error of a build without a result.
struct Failed {
    error: anyhow::Error,
    /// Whether BuildKit has an error of the frontend already.
    is_returned: bool,
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), is_returned: false }
    }
}

async fn build(arguments: &Arguments, environment: &Environment, bridge: &Bridge) -> Result<(), Failed> {
    let Some((program, rest)) = arguments.child.split_first() else {
        return Err(anyhow!("there is no frontend to start").into());
    };
    bridge.ping().await.map_err(|status| anyhow!("BuildKit does not answer: {status}"))?.check_images()?;
    let source = BuildkitSource::new(bridge.clone(), Default::default());
    let chain = policies::chain(arguments, environment, &source).await?;
    // The child starts last: it could otherwise write into the process that compiles a policy, whose code runs here.
    let child = Child::start(program, rest)?;
    let rules = Arc::new(Rules::new(Build {
        chain,
        bridge: bridge.clone(),
        source,
        options: environment.options.clone(),
        image: own_image::definition().as_ref().and_then(own_image::digest),
        platform: refkit::platform::of_this_machine(),
        explains: environment.build_argument(EXPLAIN).is_some_and(|value| !matches!(value, "" | "0" | "false")),
    }));
    let ended = proxy::run(child, bridge.connection().clone(), rules.clone()).await;
    match ended {
        Ok(()) if rules.returned() => Ok(()),
        Ok(()) => Err(anyhow!("the frontend {} ended without a result", program.to_string_lossy()).into()),
        Err(failure) => Err(Failed { error: failure.into(), is_returned: rules.returned() }),
    }
}
