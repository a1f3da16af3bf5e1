//! `Resolve`.

use tonic::{Request, Response, Status};

use crate::grpc::root::root;
use crate::grpc::{Api, Call, fields, pb, wire};

/// Resolves a reference to its root.
pub async fn resolve(
    api: &Api,
    call: &Call,
    request: Request<pb::ResolveRequest>,
) -> Result<Response<pb::ResolveResponse>, Status> {
    let request = request.into_inner();
    let reference = fields::reference("reference", &request.reference)?;
    let root = root(api, call, "Resolve", &reference, request.with_content).await?;
    Ok(Response::new(pb::ResolveResponse {
        reference: root.reference.to_string(),
        root: Some(wire::descriptor(&root.descriptor)),
        content: root.content.unwrap_or_default(),
        origin: root.origin.as_ref().map(wire::origin),
    }))
}
