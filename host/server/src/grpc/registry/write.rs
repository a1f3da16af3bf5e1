//! Where a caller may write, and the calls that write without sending content: `Exists` and `Mount`.

use std::sync::Arc;

use refkit_content::Push;
use tonic::{Request, Response, Status};

use super::list::allowed;
use crate::grpc::rules::{Decision, Destination, End};
use crate::grpc::{Call, failed, fields, pb};

/// Returns the destination of a caller that may write there, and notes the decision.
pub fn target(call: &Call, method: &'static str, destination: Destination<'_>) -> Result<Arc<dyn Push>, Status> {
    let subject = match destination {
        Destination::Manifest(reference) => reference.to_string(),
        Destination::Blobs(repository) => repository.to_string(),
    };
    let decided =
        |rule, end| call.rules.decided(&Decision { caller: &call.caller, method, subject: &subject, rule, end });
    match call.rules.push(&call.caller, destination) {
        Ok(writable) => {
            decided(Some(&*writable.rule), End::Allowed(None));
            Ok(writable.target)
        }
        Err(refused) => {
            decided(None, End::Refused);
            Err(failed::refused(&refused))
        }
    }
}

/// Returns whether a destination has content, to a caller that may write there.
pub async fn exists(call: &Call, request: Request<pb::ExistsRequest>) -> Result<Response<pb::ExistsResponse>, Status> {
    let request = request.into_inner();
    let repository = fields::repository("repository", &request.repository)?;
    let descriptor = fields::descriptor("descriptor", request.descriptor)?;
    let target = target(call, "Exists", Destination::Blobs(&repository))?;
    let exists = target.has(&repository, &descriptor).await.map_err(|error| failed::content(&error))?;
    Ok(Response::new(pb::ExistsResponse { exists }))
}

/// Mounts a blob of one repository in another, for a caller that may read the one and write to the other.
pub async fn mount(call: &Call, request: Request<pb::MountRequest>) -> Result<Response<pb::MountResponse>, Status> {
    let request = request.into_inner();
    let repository = fields::repository("repository", &request.repository)?;
    let blob = fields::descriptor("blob", request.blob)?;
    let from = fields::repository("from", &request.from)?;
    let target = target(call, "Mount", Destination::Blobs(&repository))?;
    allowed(call, "Mount", &from)?;
    let mounted = target.mount(&repository, &blob, &from).await.map_err(|error| failed::content(&error))?;
    Ok(Response::new(pb::MountResponse { mounted }))
}
