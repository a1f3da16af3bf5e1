//! `Solve`: BuildKit builds nothing about which the policies have not decided.

use std::collections::BTreeMap;

use refkit_buildkit::definition::{self, SourceKind, SourceUse};
use refkit_buildkit::source_policy::Rules;
use refkit_buildkit::{Raw, pb};
use tonic::Status;

use super::caches::Caches;
use super::decisions::Decision;
use super::meta;
use super::nested::Nested;
use super::sources::Sources;
use crate::proxy::{Call, CallError, CallResponse};

/// Answers `Solve`. The request goes to BuildKit with a source policy that pins the images of its definition and denies
/// all others. Every definition gets that policy, because a source policy of the build's options can convert any source
/// into an image.
///
/// # Errors
/// The refusal of a source, a frontend or a cache; or BuildKit's failure to respond.
pub async fn solve(
    sources: &Sources,
    caches: &Caches,
    nested: &Nested,
    call: &Call,
    request: &Raw<pb::SolveRequest>,
) -> Result<CallResponse, CallError> {
    let patch = patch(sources, caches, nested, request.view()).await?;
    let request = request.with(&patch).map_err(|error| Status::invalid_argument(error.to_string()))?;
    call.pass_with(request.bytes()).await
}

/// Returns the fields that the rules add to a request.
async fn patch(
    sources: &Sources,
    caches: &Caches,
    nested: &Nested,
    request: &pb::SolveRequest,
) -> Result<pb::SolveRequest, Status> {
    caches.check(&request.cache_imports)?;
    if !request.frontend.is_empty() {
        let frontend_opt = nested.pinned(&sources.bridge, request).await?;
        return Ok(pb::SolveRequest { frontend_opt, ..Default::default() });
    }
    let Some(definition) = &request.definition else { return Ok(pb::SolveRequest::default()) };
    let policy = policy(sources, definition, &request.source_policies).await?;
    Ok(pb::SolveRequest { source_policies: vec![policy], ..Default::default() })
}

/// Returns the source policy for a definition. It comes after the source policies of the frontend's request.
async fn policy(
    sources: &Sources,
    definition: &pb::Definition,
    requested: &[pb::Policy],
) -> Result<pb::Policy, Status> {
    let reads = reads(sources, definition, requested)?;
    let images = reads.iter().filter_map(|source| Some((source, meta::image(source)?)));
    let decisions = futures_util::future::try_join_all(images.map(|(source, name)| async move {
        let wanted = sources.wanted(source.platform.as_ref());
        let mode = source.attrs.get("image.resolvemode").map_or("", String::as_str);
        Ok::<_, Status>((source, sources.decisions.decide(&name, &wanted, mode).await?))
    }));
    let mut pins = Pins::default();
    for (source, decision) in decisions.await? {
        // A source policy of the build's options converts this image into a source that reads no image. It needs no pin.
        let Decision::Image(decided) = decision else { continue };
        let target = decided.pinned().identifier();
        for identifier in definition::policy_identifiers(source) {
            pins.convert(identifier, &target)?;
        }
        // BuildKit applies the source policies of the build's options first, and sees this image then.
        if let Some(converted) = &decided.converted {
            pins.convert(converted.identifier(), &target)?;
        }
    }
    for source in reads.iter().filter(|source| source.reads_image() && meta::image(source).is_none()) {
        definition::policy_identifiers(source).iter().for_each(|identifier| pins.rules.allow(identifier));
    }
    pins.rules.policy().map_err(|error| ambiguous(&error.from, &error.to, &error.became))
}

/// Returns the sources of a definition that read an image, or may read one, after the source policies of the frontend's
/// request.
fn reads(sources: &Sources, definition: &pb::Definition, requested: &[pb::Policy]) -> Result<Vec<SourceUse>, Status> {
    let uses = definition::sources(definition).map_err(|error| Status::invalid_argument(error.to_string()))?;
    let mut reads = Vec::new();
    for source in uses.into_iter().filter(|source| source.reads_image() || !requested.is_empty()) {
        let read = match &source.kind {
            // Source policies do not apply to build operations.
            SourceKind::Build => source,
            _ => {
                let operation = pb::SourceOp { identifier: source.identifier.clone(), attrs: source.attrs.clone() };
                sources.read(requested, operation, source.platform.clone())?
            }
        };
        sources.check(&read)?;
        reads.push(read);
    }
    Ok(reads)
}

/// The image that each identifier of a definition is pinned to.
#[derive(Default)]
struct Pins {
    targets: BTreeMap<String, String>,
    rules: Rules,
}

impl Pins {
    fn convert(&mut self, identifier: String, target: &str) -> Result<(), Status> {
        self.rules.convert(&identifier, target);
        match self.targets.insert(identifier.clone(), target.to_owned()) {
            Some(other) if other != target => Err(ambiguous(&identifier, &other, target)),
            _ => Ok(()),
        }
    }
}

fn ambiguous(identifier: &str, one: &str, other: &str) -> Status {
    Status::failed_precondition(format!(
        "{identifier} is built for several platforms in one definition, and the policies chose {one} for one and \
         {other} for another: BuildKit's rules know no platforms, so the frontend has to resolve the image before it \
         builds with it"
    ))
}
