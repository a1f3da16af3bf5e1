//! Manifests and indexes by their digests.

use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Body, WithOrigin};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Reference, Repository};
use tonic::Status;

use crate::grpc::root::root;
use crate::grpc::rules::{Decision, End};
use crate::grpc::seen::RefusedEntries;
use crate::grpc::{Api, Call, failed};

/// Returns a manifest or an index, verified, if the caller has got it before: by a tag, or as an entry of an index.
/// Otherwise the policies of the rule decide about its digest alone.
pub async fn document(
    api: &Api,
    call: &Call,
    repository: &Repository,
    descriptor: &Descriptor,
) -> Result<Body, Status> {
    let reference = Reference::to_digest(repository.clone(), descriptor.digest.clone());
    let subject = reference.to_string();
    let decided = |rule: Option<&str>, end: End<'_>| {
        call.rules.decided(&Decision { caller: &call.caller, method: "Fetch", subject: &subject, rule, end });
    };
    let allowed = call.rules.read(&call.caller, &reference).map_err(|refused| {
        decided(None, End::Refused);
        failed::refused(&refused)
    })?;
    // The default policy lets every digest pass.
    let known = match allowed.chain.is_default() {
        true => Some(RefusedEntries::default()),
        false => api.seen.get(&call.caller, repository, &descriptor.digest),
    };
    let refused = match known {
        Some(refused) => {
            decided(Some(&*allowed.rule), End::Allowed(Some(&descriptor.digest)));
            refused
        }
        None => {
            let root = root(api, call, "Fetch", &reference, false).await?;
            if root.descriptor.digest != descriptor.digest || root.reference.repository() != repository {
                let text = format!("the policies redirect {reference} to {}", root.reference);
                return Err(Status::failed_precondition(text));
            }
            root.refused
        }
    };
    let fetched = verify::fetch(&*allowed.source, repository, descriptor, MANIFEST_LIMIT).await;
    let WithOrigin { value, origin } = fetched.map_err(|error| failed::content(&error))?;
    if !allowed.chain.is_default() && media_type::is_index(&descriptor.media_type) {
        api.seen.entries(&call.caller, repository, (descriptor, &value), &refused);
    }
    Ok(Body::from_bytes(origin, value))
}
