//! `LLBBridge.ResolveSourceMeta`.

use refkit_buildkit::pb;
use tonic::{Request, Response, Status};

use super::IMAGE;
use super::attested::chain;
use super::image::{choose, wanted};
use crate::grpc::failed::invalid;
use crate::grpc::{Api, Call, fields};

/// Resolves an image: its digest, its config, and its attestations if the request wants them.
pub async fn resolve_source_meta(
    api: &Api,
    call: &Call,
    request: Request<pb::ResolveSourceMetaRequest>,
) -> Result<Response<pb::ResolveSourceMetaResponse>, Status> {
    let request = request.into_inner();
    let source = request.source.ok_or_else(|| invalid("Source", "it is missing"))?;
    let Some(text) = source.identifier.strip_prefix(IMAGE) else {
        return Err(Status::unimplemented(format!("this server resolves {IMAGE}…, and not {}", source.identifier)));
    };
    let reference = fields::reference("Source.identifier", text)?;
    let options = request.image.unwrap_or_default();
    let chosen = choose(api, call, "ResolveSourceMeta", &reference, &wanted(request.platform.as_ref())).await?;
    let config = if options.no_config { Default::default() } else { chosen.config().await? };
    let wants = options.attestation_chain || !options.resolve_attestations.is_empty();
    let attestation_chain = if wants { chain(call, &chosen, &options.resolve_attestations).await? } else { None };
    let identifier = match chosen.reference() {
        same if same == reference => source.identifier,
        other => format!("{IMAGE}{other}"),
    };
    let image = pb::ResolveSourceImageResponse { digest: chosen.digest.to_string(), config, attestation_chain };
    let source = pb::SourceOp { identifier, attrs: source.attrs };
    Ok(Response::new(pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None }))
}
