//! `LoadPolicy`.

use bytes::BytesMut;
use refkit::{LoadError, Policy};
use refkit_oci::escape::Escaped;
use tonic::{Request, Response, Status, Streaming};

use crate::grpc::failed::{self, invalid};
use crate::grpc::pb::load_policy_request::Part;
use crate::grpc::{Api, Call, PIECE, pb};

/// The largest component: 32 MiB, of which one in Python has 18.
const COMPONENT: usize = 32 << 20;

/// The longest name.
const NAME: usize = 256;

/// Compiles a policy, and keeps it for its caller.
pub async fn load(
    api: &Api,
    call: &Call,
    request: Request<Streaming<pb::LoadPolicyRequest>>,
) -> Result<Response<pb::LoadPolicyResponse>, Status> {
    let engine = call.rules.engine(&call.caller).map_err(|refused| failed::refused(&refused))?;
    let mut messages = request.into_inner();
    let Some(Part::Name(name)) = messages.message().await?.and_then(|message| message.part) else {
        return Err(invalid("name", "the first message has to have it"));
    };
    if name.len() > NAME {
        return Err(invalid("name", format!("it has {} bytes, more than {NAME}", name.len())));
    }
    let mut component = BytesMut::new();
    while let Some(message) = messages.message().await? {
        let data = match message.part {
            Some(Part::Data(data)) => data,
            Some(Part::Name(_)) => return Err(invalid("name", "only the first message has one")),
            None => return Err(invalid("data", "the message is empty")),
        };
        if data.len() > PIECE {
            return Err(invalid("data", format!("a piece has at most {PIECE} bytes, and this one {}", data.len())));
        }
        if component.len() + data.len() > COMPONENT {
            return Err(invalid("data", format!("a component has at most {COMPONENT} bytes")));
        }
        component.extend_from_slice(&data);
    }
    let permit = api.loaded.compilers.acquire().await.map_err(|error| Status::internal(error.to_string()))?;
    let policy = Policy::load(&engine, component.freeze()).await.map_err(|error| refused(&name, &error))?;
    drop(permit);
    let response = pb::LoadPolicyResponse {
        digest: policy.digest().to_string(),
        description: policy.description().summary.clone(),
        imports: policy.imports().to_vec(),
    };
    api.loaded.put(&call.caller, policy);
    Ok(Response::new(response))
}

/// Returns the status for a component that is no policy, or does not compile within its limits.
fn refused(name: &str, error: &LoadError) -> Status {
    let text = format!("cannot use the policy {name}: {error}");
    match error {
        LoadError::CompileMemory { .. } | LoadError::CompileCpu { .. } | LoadError::CompileWall { .. } => {
            Status::resource_exhausted(Escaped(text).to_string())
        }
        _ => invalid("data", text),
    }
}
