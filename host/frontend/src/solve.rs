//! `Solve`: nothing is built that the policies have not seen.

use std::collections::BTreeMap;

use refkit_buildkit::definition::{self, SourceKind};
use refkit_buildkit::pb;
use refkit_buildkit::source_policy::Rules;
use tonic::Status;

use crate::caches::Caches;
use crate::decide::Chosen;
use crate::meta;
use crate::nested::Nested;
use crate::proxy::{Answer, Call, Fault};
use crate::sources::Sources;

/// Answers `Solve`: passed on where everything in it is decided, with rules that pin the images and deny all others.
/// Rules of the build's own may make an image of anything, so every definition gets them.
///
/// # Errors
/// A refusal, or that BuildKit does not answer.
pub async fn solve(sources: &Sources, caches: &Caches, nested: &Nested, call: &Call) -> Result<Solved, Fault> {
    let request = meta::decode::<pb::SolveRequest>(call)?;
    let is_last = request.view().r#final;
    let patch = patch(sources, caches, nested, request.view()).await?;
    let request = request.with(&patch).map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(Solved { answer: call.pass_with(request.bytes()).await?, is_last })
}

/// What became of a `Solve`.
pub struct Solved {
    /// BuildKit's answer.
    pub answer: Answer,
    /// Whether the frontend's work ends with it.
    pub is_last: bool,
}

/// Returns what is added to a request.
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
    let rules = match &request.definition {
        Some(built) => rules(sources, built, &request.source_policies).await?,
        None => return Ok(pb::SolveRequest::default()),
    };
    Ok(pb::SolveRequest { source_policies: vec![rules], ..Default::default() })
}

/// Returns the rules for a definition, which come after the frontend's own.
async fn rules(sources: &Sources, built: &pb::Definition, own: &[pb::Policy]) -> Result<pb::Policy, Status> {
    let uses = definition::sources(built).map_err(|error| Status::invalid_argument(error.to_string()))?;
    let mut decided = Vec::new();
    for source in uses.iter().filter(|source| source.reads_image() || !own.is_empty()) {
        let converted = match &source.kind {
            // The frontend's own rules know no builds.
            SourceKind::Build => source.clone(),
            _ => {
                let operation = pb::SourceOp { identifier: source.identifier.clone(), attrs: source.attrs.clone() };
                sources.read(own, operation, source.platform.clone())?
            }
        };
        sources.judge(&converted)?;
        decided.push(converted);
    }
    let images = decided.iter().filter_map(|source| Some((source, meta::image(source)?)));
    let pinned = futures_util::future::try_join_all(images.map(|(source, name)| async move {
        let wanted = sources.wanted(source.platform.as_ref());
        let mode = source.attrs.get("image.resolvemode").map_or("", String::as_str);
        Ok::<_, Status>((source, sources.decisions.decide(&name, &wanted, mode).await?))
    }));
    let mut pins = Pins::default();
    for (source, chosen) in pinned.await? {
        // What reads no image, by a rule of the build's own, needs none of these.
        let Chosen::Image(decided) = chosen else { continue };
        let target = decided.pinned().identifier();
        for identifier in definition::policy_identifiers(source) {
            pins.convert(identifier, &target)?;
        }
        // What rules of the build's own make of the image, BuildKit sees before it sees these.
        if let Some(via) = &decided.via {
            pins.convert(via.identifier(), &target)?;
        }
    }
    for source in decided.iter().filter(|source| source.reads_image() && meta::image(source).is_none()) {
        definition::policy_identifiers(source).iter().for_each(|identifier| pins.rules.allow(identifier));
    }
    pins.rules.policy().map_err(|error| ambiguous(&error.from, &error.to, &error.became))
}

/// What each image of a definition becomes.
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
