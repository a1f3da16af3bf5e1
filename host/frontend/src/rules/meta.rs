//! `ResolveSourceMeta` and `ResolveImageConfig`: a frontend resolves an image, and gets the image that the policies chose.

use prost::Message as _;
use refkit_buildkit::definition::{SourceKind, SourceUse, Store};
use refkit_buildkit::{Raw, pb};
use tonic::Status;

use super::decisions::{DecidedImage, Decision};
use super::image::ImageName;
use super::platform::WantedPlatform;
use super::sources::Sources;
use crate::proxy::{Call, CallError, CallResponse};

/// The `ResolverType` of an image layout.
const LAYOUT: i32 = 1;

/// Answers `ResolveSourceMeta`.
///
/// # Errors
/// The refusal of the source, or BuildKit's failure to respond.
pub async fn source_meta(sources: &Sources, call: &Call) -> Result<CallResponse, CallError> {
    let request = decode::<pb::ResolveSourceMetaRequest>(call)?;
    let request = request.view();
    let Some(source) = request.source.clone() else { return call.pass().await };
    let source = sources.read(&request.source_policies, source, request.platform.clone())?;
    let Some(name) = image(&source) else {
        sources.check(&source)?;
        return call.pass().await;
    };
    let wanted = sources.wanted(request.platform.as_ref());
    let decision = sources.decisions.decide(&name, &wanted, &request.resolve_mode).await?;
    let Decision::Image(decided) = decision else { return call.pass().await };
    // Unknown fields of the attestation chain must survive, so BuildKit's response is patched, not rebuilt.
    let base = match attested(sources, request, &source, &decided, &wanted).await? {
        Some(response) => response,
        None => {
            let source = pb::SourceOp { identifier: String::new(), attrs: source.attrs.clone() };
            Raw::from(pb::ResolveSourceMetaResponse { source: Some(source), ..Default::default() })
        }
    };
    let no_config = request.image.as_ref().is_some_and(|options| options.no_config);
    let config = if no_config { Default::default() } else { decided.config.clone() };
    let image = pb::ResolveSourceImageResponse { digest: decided.digest.to_string(), config, attestation_chain: None };
    let source = pb::SourceOp { identifier: identifier(&name, &decided), attrs: Default::default() };
    let patch = pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None };
    let response = base.with(&patch).map_err(|error| Status::internal(error.to_string()))?;
    Ok(CallResponse::new(response.bytes())?)
}

/// Returns BuildKit's response with the attestations of an image, where the request wants them and the image can have
/// some.
async fn attested(
    sources: &Sources,
    request: &pb::ResolveSourceMetaRequest,
    source: &SourceUse,
    decided: &DecidedImage,
    wanted: &WantedPlatform,
) -> Result<Option<Raw<pb::ResolveSourceMetaResponse>>, Status> {
    let options = request.image.clone().unwrap_or_default();
    let wants = options.attestation_chain || !options.resolve_attestations.is_empty();
    // BuildKit 0.34.2 crashes where a client asks for the attestations of anything but an OCI index. It has none.
    if !wants || !sources.decisions.is_index(decided, wanted).await {
        return Ok(None);
    }
    let identifier = decided.name.pinned(&decided.root).identifier();
    let source = pb::SourceOp { identifier, attrs: source.attrs.clone() };
    let request = pb::ResolveSourceMetaRequest { source: Some(source), source_policies: Vec::new(), ..request.clone() };
    sources.bridge.resolve_source_meta(request).await.map(Some)
}

/// Answers `ResolveImageConfig`, which older frontends call.
///
/// # Errors
/// The refusal of the image, or BuildKit's failure to respond.
pub async fn image_config(sources: &Sources, call: &Call) -> Result<CallResponse, CallError> {
    let request = decode::<pb::ResolveImageConfigRequest>(call)?;
    let request = request.view();
    let reference: refkit_oci::Reference = request
        .r#ref
        .parse()
        .map_err(|error: refkit_oci::reference::ReferenceError| Status::invalid_argument(error.to_string()))?;
    let layout = (request.resolver_type == LAYOUT)
        .then(|| Store { id: request.store_id.clone(), session: request.session_id.clone() });
    let source = sources.read(&request.source_policies, ImageName { reference, layout }.source(), None)?;
    let Some(name) = image(&source) else {
        let text = format!("the frontend's own source policies make of {} what is no image", request.r#ref);
        return Err(Status::invalid_argument(text).into());
    };
    let wanted = sources.wanted(request.platform.as_ref());
    let decision = sources.decisions.decide(&name, &wanted, &request.resolve_mode).await?;
    let Decision::Image(decided) = decision else { return call.pass().await };
    let identifier = identifier(&name, &decided);
    let reference = identifier.split_once("://").map_or(identifier.as_str(), |(_, reference)| reference);
    let response = pb::ResolveImageConfigResponse {
        digest: decided.digest.to_string(),
        config: decided.config.clone(),
        r#ref: reference.to_owned(),
    };
    Ok(CallResponse::new(&response.encode_to_vec())?)
}

/// Returns the identifier of the image in the response. It is the requested one where BuildKit by itself would take the
/// same image, as BuildKit responds; otherwise it is pinned.
fn identifier(requested: &ImageName, decided: &DecidedImage) -> String {
    if decided.name == *requested && decided.digest == decided.root {
        requested.identifier()
    } else {
        decided.pinned().identifier()
    }
}

/// Returns the image that a source reads as a whole.
pub fn image(source: &SourceUse) -> Option<ImageName> {
    match &source.kind {
        SourceKind::Image(reference) => Some(ImageName { reference: reference.clone(), layout: None }),
        SourceKind::Layout { reference, store } => {
            Some(ImageName { reference: reference.clone(), layout: Some(store.clone()) })
        }
        _ => None,
    }
}

/// Returns the message of a call.
///
/// # Errors
/// `INVALID_ARGUMENT` where the message is malformed or too large.
pub fn decode<M: prost::Message + Default>(call: &Call) -> Result<Raw<M>, Status> {
    Raw::decode(call.message().clone()).map_err(|error| Status::invalid_argument(error.to_string()))
}
