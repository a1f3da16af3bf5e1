//! `ListTags` and `ListReferrers`.

use refkit_oci::Repository;
use tonic::{Request, Response, Status};

use crate::grpc::rules::{Allowed, Decision, End};
use crate::grpc::{Call, failed, fields, pb, wire};

/// Lists the tags of a repository.
pub async fn tags(
    call: &Call,
    request: Request<pb::ListTagsRequest>,
) -> Result<Response<pb::ListTagsResponse>, Status> {
    let repository = fields::repository("repository", &request.into_inner().repository)?;
    let allowed = allowed(call, "ListTags", &repository)?;
    let tags = allowed.source.tags(&repository).await.map_err(|error| failed::content(&error))?;
    Ok(Response::new(pb::ListTagsResponse { tags: tags.value, origin: Some(wire::origin(&tags.origin)) }))
}

/// Lists the manifests about a digest.
pub async fn referrers(
    call: &Call,
    request: Request<pb::ListReferrersRequest>,
) -> Result<Response<pb::ListReferrersResponse>, Status> {
    let request = request.into_inner();
    let repository = fields::repository("repository", &request.repository)?;
    let subject = fields::digest("subject", request.subject)?;
    let wanted = Some(request.artifact_type.as_str()).filter(|wanted| !wanted.is_empty());
    let allowed = allowed(call, "ListReferrers", &repository)?;
    let found = allowed.source.referrers(&repository, &subject, wanted).await;
    let found = found.map_err(|error| failed::content(&error))?;
    Ok(Response::new(pb::ListReferrersResponse {
        referrers: found.value.iter().map(wire::descriptor).collect(),
        origin: Some(wire::origin(&found.origin)),
    }))
}

/// Returns what the rule for a repository allows, and notes the decision.
pub fn allowed(call: &Call, method: &'static str, repository: &Repository) -> Result<Allowed, Status> {
    let subject = repository.to_string();
    let decided =
        |rule, end| call.rules.decided(&Decision { caller: &call.caller, method, subject: &subject, rule, end });
    match call.rules.repository(&call.caller, repository) {
        Ok(allowed) => {
            decided(Some(&*allowed.rule), End::Allowed(None));
            Ok(allowed)
        }
        Err(refused) => {
            decided(None, End::Refused);
            Err(failed::refused(&refused))
        }
    }
}
