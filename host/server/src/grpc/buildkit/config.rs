//! `LLBBridge.ResolveImageConfig`: a shim over a run of the policies.

use refkit_buildkit::pb;
use tonic::{Request, Response, Status};

use super::image::{choose, wanted};
use crate::grpc::{Api, Call, fields};

/// Resolves an image, and returns its digest and config.
pub async fn resolve_image_config(
    api: &Api,
    call: &Call,
    request: Request<pb::ResolveImageConfigRequest>,
) -> Result<Response<pb::ResolveImageConfigResponse>, Status> {
    let request = request.into_inner();
    let reference = fields::reference("Ref", &request.r#ref)?;
    if request.resolver_type != 0 {
        return Err(Status::unimplemented("this server does not see the image layouts of sessions"));
    }
    let chosen = choose(api, call, "ResolveImageConfig", &reference, &wanted(request.platform.as_ref())).await?;
    Ok(Response::new(pb::ResolveImageConfigResponse {
        digest: chosen.digest.to_string(),
        config: chosen.config().await?,
        r#ref: chosen.reference().to_string(),
    }))
}
