//! `Solve`: nothing is built that the policies have not seen.

use std::collections::BTreeMap;

use refkit_buildkit::definition::{self, SourceKind};
use refkit_buildkit::source_policy::Rules;
use refkit_buildkit::{Raw, pb};
use tonic::Status;

use crate::caches::Caches;
use crate::meta;
use crate::proxy::{Answer, Call, Fault};
use crate::sources::Sources;

/// Answers `Solve`: passed on where everything in it is decided, with rules that pin the images.
///
/// # Errors
/// A refusal, or that BuildKit does not answer.
pub async fn solve(sources: &Sources, caches: &Caches, call: &Call) -> Result<Solved, Fault> {
    let request = meta::decode::<pb::SolveRequest>(call)?;
    let is_last = request.view().r#final;
    let answer = match pinned(sources, caches, &request).await? {
        Some(rules) => {
            let patch = pb::SolveRequest { source_policies: vec![rules], ..Default::default() };
            let request = request.with(&patch).map_err(|error| Status::invalid_argument(error.to_string()))?;
            call.pass_with(request.bytes()).await?
        }
        None => call.pass().await?,
    };
    Ok(Solved { answer, is_last })
}

/// What became of a `Solve`.
pub struct Solved {
    /// BuildKit's answer.
    pub answer: Answer,
    /// Whether the frontend's work ends with it.
    pub is_last: bool,
}

/// Returns the rules for a request; none where it reads no image.
async fn pinned(
    sources: &Sources,
    caches: &Caches,
    request: &Raw<pb::SolveRequest>,
) -> Result<Option<pb::Policy>, Status> {
    let request = request.view();
    if !request.frontend.is_empty() {
        return Err(nested(request));
    }
    caches.check(&request.cache_imports)?;
    let Some(built) = &request.definition else { return Ok(None) };
    let uses = definition::sources(built).map_err(|error| Status::invalid_argument(error.to_string()))?;
    let own = &request.source_policies;
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
    if decided.iter().all(|source| !source.reads_image()) {
        return Ok(None);
    }
    let images = decided.iter().filter_map(|source| Some((source, meta::image(source)?)));
    let pinned = futures_util::future::try_join_all(images.map(|(source, name)| async move {
        let platform = sources.platform(source.platform.as_ref());
        let mode = source.attrs.get("image.resolvemode").map_or("", String::as_str);
        Ok::<_, Status>((source, sources.decisions.decide(&name, &platform, mode).await?))
    }));
    let mut pins = Pins::default();
    for (source, decided) in pinned.await? {
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
    pins.rules.policy().map(Some).map_err(|error| ambiguous(&error.from, &error.to, &error.became))
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

/// BuildKit does not apply a request's rules to a frontend that the request names (measured with 0.34.2): neither to
/// the frontend's image nor to what it reads.
fn nested(request: &pb::SolveRequest) -> Status {
    let named = request.frontend_opt.get("source").filter(|_| request.frontend == "gateway.v0");
    let what = match named {
        Some(source) => format!("{} {source}", request.frontend),
        None => request.frontend.clone(),
    };
    let syntax = if request.frontend_opt.contains_key("cmdline") {
        "; where a `# syntax=` line asks for it, name this frontend's image in that line, or in --build-arg BUILDKIT_SYNTAX"
    } else {
        ""
    };
    Status::permission_denied(format!(
        "the frontend wants to build with another frontend, {}: BuildKit applies no rules to that one, so what it reads \
         would get past the policies of this frontend{syntax}",
        crate::refusal::one_line(&what)
    ))
}

fn ambiguous(identifier: &str, one: &str, other: &str) -> Status {
    Status::failed_precondition(format!(
        "{identifier} is built for several platforms in one definition, and the policies chose {one} for one and \
         {other} for another: BuildKit's rules know no platforms, so the frontend has to resolve the image before it \
         builds with it"
    ))
}
