//! `Ping`: the capabilities of the methods that are here.

use refkit_buildkit::pb;
use tonic::{Request, Response, Status};

/// The capabilities by BuildKit's names.
const CAPABILITIES: [&str; 4] =
    ["resolveimage", "resolveimage.resolvemode", "source.metaresolver", "source.metaresolver.image.attestations"];

/// Returns the capabilities.
pub async fn ping(_: Request<pb::PingRequest>) -> Result<Response<pb::PongResponse>, Status> {
    let capability = |name: &str| pb::ApiCap { id: name.to_owned(), enabled: true, ..Default::default() };
    let frontend_api_caps = CAPABILITIES.into_iter().map(capability).collect();
    Ok(Response::new(pb::PongResponse { frontend_api_caps, llb_caps: Vec::new() }))
}
