//! `Explain`.

use refkit::Error;
use refkit_oci::Reference;
use refkit_report::{Names, Requested, RunResult};
use tonic::{Request, Response, Status};

use super::ran::{Ran, run};
use crate::grpc::failed::invalid;
use crate::grpc::{Api, Call, pb, wire};

/// References as they are; hints are for the user of a command.
struct Plain;

impl Names for Plain {
    fn reference(&self, reference: &Reference) -> String {
        reference.to_string()
    }

    fn hint(&self, _: &Error) -> Option<String> {
        None
    }
}

/// Resolves an image, and explains the run, however it ended.
pub async fn explain(
    api: &Api,
    call: &Call,
    request: Request<pb::ExplainRequest>,
) -> Result<Response<pb::ExplainResponse>, Status> {
    let request = request.into_inner().request.ok_or_else(|| invalid("request", "it is missing"))?;
    let Ran { session, .. } = run(api, call, "Explain", &request).await?;
    let requested = session.request().reference.to_string();
    let platforms: Vec<_> = request.platforms.into_iter().map(|one| wire::platform_of(one).normalized()).collect();
    let wanted = if platforms.is_empty() { Requested::All } else { Requested::Platforms(&platforms) };
    // The run has ended, and answers from its record.
    let ran = RunResult::of(session, &Plain).await;
    let explained = ran.explained(&[]);
    let output = match ran.resolution() {
        Ok(resolution) => ran.resolved(resolution, wanted, ""),
        Err(output) => *output,
    };
    let messages = output.messages.clone();
    let text: Vec<String> = explained.lines().into_iter().chain(output.lines.clone()).chain(messages).collect();
    let json = output.json(requested, Some(&explained)).join("\n");
    Ok(Response::new(pb::ExplainResponse { text: text.join("\n"), json }))
}
