//! `PolicyVerifier.CheckPolicy`: the rules decide about the sources of a build.

use refkit_buildkit::pb;
use refkit_buildkit::pb::check_policy_response::Result as Checked;
use refkit_oci::{Platform, Reference};
use tonic::{Code, Request, Response, Status};

use super::image::{choose, wanted};
use super::{BLOB, IMAGE};
use crate::grpc::registry::list;
use crate::grpc::wire::Details;
use crate::grpc::{Api, Call, fields};

/// The field that names the source.
const FIELD: &str = "Source.source.identifier";

/// Decides about a source. Sources that are in no registry are allowed: no rule of this server is about them. A blob is
/// allowed to those who may read its repository.
///
/// BuildKit asks again about what a conversion makes. A rule or a policy for a tag would not know the pinned reference, so
/// the image that the policies have chosen for this caller and this platform is allowed by its digest.
pub async fn check_policy(
    api: &Api,
    call: &Call,
    request: Request<pb::CheckPolicyRequest>,
) -> Result<Response<pb::CheckPolicyResponse>, Status> {
    let request = request.into_inner();
    let source = request.source.and_then(|found| found.source).unwrap_or_default();
    let decision = if let Some(text) = source.identifier.strip_prefix(IMAGE) {
        let reference = fields::reference(FIELD, text)?;
        image(api, call, &source, &reference, &wanted(request.platform.as_ref())).await?
    } else if let Some(text) = source.identifier.strip_prefix(BLOB) {
        let reference = fields::reference(FIELD, text)?;
        list::allowed(call, "CheckPolicy", reference.repository()).map_or_else(|status| deny(&status), |_| allow())
    } else {
        allow()
    };
    Ok(Response::new(pb::CheckPolicyResponse { result: Some(Checked::Decision(decision)) }))
}

async fn image(
    api: &Api,
    call: &Call,
    source: &pb::SourceOp,
    reference: &Reference,
    platform: &Platform,
) -> Result<pb::DecisionResponse, Status> {
    if api.seen.is_chosen(&call.caller, reference, platform) {
        return Ok(allow());
    }
    match choose(api, call, "CheckPolicy", reference, platform).await {
        Ok(chosen) => {
            let pinned = chosen.resolution.reference.with_digest(chosen.digest.clone());
            Ok(if pinned == *reference { allow() } else { convert(source, &format!("{IMAGE}{pinned}")) })
        }
        Err(status) if status.code() == Code::PermissionDenied => Ok(deny(&status)),
        Err(status) => Err(status),
    }
}

fn allow() -> pb::DecisionResponse {
    pb::DecisionResponse { action: pb::PolicyAction::Allow.into(), ..Default::default() }
}

fn convert(source: &pb::SourceOp, identifier: &str) -> pb::DecisionResponse {
    let update = pb::SourceOp { identifier: identifier.to_owned(), attrs: source.attrs.clone() };
    pb::DecisionResponse { action: pb::PolicyAction::Convert.into(), update: Some(update), ..Default::default() }
}

fn deny(status: &Status) -> pb::DecisionResponse {
    let denials = Details::of(status).denials;
    let mut messages: Vec<String> = denials
        .into_iter()
        .map(|denial| format!("denied by policy {} (rule {}): {}", denial.policy, denial.rule, denial.message))
        .collect();
    if messages.is_empty() {
        messages.push(status.message().to_owned());
    }
    let deny_messages = messages.into_iter().map(|message| pb::DenyMessage { message }).collect();
    pb::DecisionResponse { action: pb::PolicyAction::Deny.into(), deny_messages, ..Default::default() }
}
