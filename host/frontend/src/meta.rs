//! `ResolveSourceMeta` and `ResolveImageConfig`: a frontend asks what an image is, and is told what the policies chose.

use prost::Message as _;
use refkit_buildkit::definition::{SourceKind, SourceUse, Store};
use refkit_buildkit::{Raw, pb};
use tonic::Status;

use crate::decide::{Chosen, Decided};
use crate::image::Name;
use crate::proxy::{Answer, Call, Fault};
use crate::sources::Sources;

/// `ResolverType` of an image layout.
const LAYOUT: i32 = 1;

/// Answers `ResolveSourceMeta`.
///
/// # Errors
/// A refusal, or that BuildKit does not answer.
pub async fn source_meta(sources: &Sources, call: &Call) -> Result<Answer, Fault> {
    let request = decode::<pb::ResolveSourceMetaRequest>(call)?;
    let request = request.view();
    let Some(source) = request.source.clone() else { return call.pass().await };
    let asked = sources.read(&request.source_policies, source, request.platform.clone())?;
    let Some(name) = image(&asked) else {
        sources.judge(&asked)?;
        return call.pass().await;
    };
    let wanted = sources.wanted(request.platform.as_ref());
    let chosen = sources.decisions.decide(&name, &wanted, &request.resolve_mode).await?;
    let Chosen::Image(decided) = chosen else { return call.pass().await };
    let asked_for = request.image.clone().unwrap_or_default();
    let chained = asked_for.attestation_chain || !asked_for.resolve_attestations.is_empty();
    // Asked for the attestations of anything but an OCI index, a BuildKit of 0.34.2 crashes. There are none.
    let chained = chained && sources.decisions.is_index(&decided, &wanted).await;
    // Unknown fields of the chain must survive, so BuildKit's answer is patched, not rebuilt.
    let base = if chained {
        let attested = decided.name.pinned(&decided.root);
        let source = pb::SourceOp { identifier: attested.identifier(), attrs: asked.attrs.clone() };
        let request =
            pb::ResolveSourceMetaRequest { source: Some(source), source_policies: Vec::new(), ..request.clone() };
        sources.bridge.resolve_source_meta(request).await?.bytes().clone()
    } else {
        let source = pb::SourceOp { identifier: String::new(), attrs: asked.attrs.clone() };
        pb::ResolveSourceMetaResponse { source: Some(source), ..Default::default() }.encode_to_vec().into()
    };
    let config = if asked_for.no_config { Default::default() } else { decided.config.clone() };
    let image = pb::ResolveSourceImageResponse { digest: decided.digest.to_string(), config, attestation_chain: None };
    let source = pb::SourceOp { identifier: identifier(&name, &decided), attrs: Default::default() };
    let patch = pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None };
    let answer = Raw::<pb::ResolveSourceMetaResponse>::decode(base)
        .and_then(|base| base.with(&patch))
        .map_err(|error| Status::internal(error.to_string()))?;
    Ok(Answer::of(answer.bytes())?)
}

/// Answers `ResolveImageConfig`, which older frontends ask.
///
/// # Errors
/// A refusal, or that BuildKit does not answer.
pub async fn image_config(sources: &Sources, call: &Call) -> Result<Answer, Fault> {
    let request = decode::<pb::ResolveImageConfigRequest>(call)?;
    let request = request.view();
    let reference: refkit_oci::Reference = request
        .r#ref
        .parse()
        .map_err(|error: refkit_oci::reference::ReferenceError| Status::invalid_argument(error.to_string()))?;
    let layout = (request.resolver_type == LAYOUT)
        .then(|| Store { id: request.store_id.clone(), session: request.session_id.clone() });
    let asked = sources.read(&request.source_policies, Name { reference, layout }.source(), None)?;
    let Some(name) = image(&asked) else {
        let text = format!("the frontend's own source policies make of {} what is no image", request.r#ref);
        return Err(Status::invalid_argument(text).into());
    };
    let wanted = sources.wanted(request.platform.as_ref());
    let chosen = sources.decisions.decide(&name, &wanted, &request.resolve_mode).await?;
    let Chosen::Image(decided) = chosen else { return call.pass().await };
    let identifier = identifier(&name, &decided);
    let reference = identifier.split_once("://").map_or(identifier.as_str(), |(_, reference)| reference);
    let answer = pb::ResolveImageConfigResponse {
        digest: decided.digest.to_string(),
        config: decided.config.clone(),
        r#ref: reference.to_owned(),
    };
    Ok(Answer::of(&answer.encode_to_vec())?)
}

/// Returns what the image is called from here on. Where BuildKit by itself takes the same one, that is what it was
/// called before, as BuildKit itself answers; where another was chosen, it is pinned.
fn identifier(asked: &Name, decided: &Decided) -> String {
    if decided.name == *asked && decided.digest == decided.root {
        asked.identifier()
    } else {
        decided.pinned().identifier()
    }
}

/// Returns the image that a source reads as a whole.
pub fn image(source: &SourceUse) -> Option<Name> {
    match &source.kind {
        SourceKind::Image(reference) => Some(Name { reference: reference.clone(), layout: None }),
        SourceKind::Layout { reference, store } => {
            Some(Name { reference: reference.clone(), layout: Some(store.clone()) })
        }
        _ => None,
    }
}

/// Returns a call's message.
pub fn decode<M: prost::Message + Default>(call: &Call) -> Result<Raw<M>, Status> {
    Raw::decode(call.message().clone()).map_err(|error| Status::invalid_argument(error.to_string()))
}
