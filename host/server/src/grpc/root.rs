//! The decision about the root of a reference.

use bytes::Bytes;
use refkit::{Answer, Denial, Event, Outcome, Request, Resolution, Session};
use refkit_content::Origin;
use refkit_contract::Absence;
use refkit_oci::{Descriptor, Digest, Reference};
use tonic::Status;

use super::rules::{Allowed, Decision, End};
use super::seen::RefusedEntries;
use super::{Api, Call, failed};

/// The root that a caller gets.
pub struct Root {
    /// What was resolved.
    pub reference: Reference,
    /// The index or manifest that it names.
    pub descriptor: Descriptor,
    /// Its bytes, if the caller asked for them.
    pub content: Option<Bytes>,
    /// Where it is from, where that is known.
    pub origin: Option<Origin>,
    /// The entries that the policies refused.
    pub refused: RefusedEntries,
}

/// Returns the root of a reference as the rule's policies decide, and remembers that the caller has got it. Where the
/// policies judge images, the caller gets the root if they let one of them pass, and none of the refused ones.
///
/// # Errors
/// `PERMISSION_DENIED`, or the code of the failure.
pub async fn root(
    api: &Api,
    call: &Call,
    method: &'static str,
    reference: &Reference,
    content: bool,
) -> Result<Root, Status> {
    let subject = reference.to_string();
    let decided = |rule: Option<&str>, end: End<'_>| {
        call.rules.decided(&Decision { caller: &call.caller, method, subject: &subject, rule, end });
    };
    let allowed = call.rules.read(&call.caller, reference).map_err(|refused| {
        decided(None, End::Refused);
        failed::refused(&refused)
    })?;
    let rule = Some(&*allowed.rule);
    let ended = match allowed.chain.is_default() {
        true => plain(&allowed, reference, content).await,
        false => match judged(call, &allowed, reference, content).await {
            Ok(Ok(root)) => Ok(root),
            Ok(Err(denials)) => {
                let policy = denials.first().map_or("", Denial::policy);
                decided(rule, End::Denied { policy, dry_run: allowed.dry_run });
                if !allowed.dry_run {
                    return Err(failed::denied(&subject, &denials));
                }
                plain(&allowed, reference, content).await
            }
            Err(status) => Err(status),
        },
    };
    match &ended {
        Ok(root) => {
            decided(rule, End::Allowed(Some(&root.descriptor.digest)));
            let repository = root.reference.repository();
            api.seen.root(&call.caller, repository, &root.descriptor.digest, root.refused.clone());
            if let Some(bytes) = root.content.as_deref().filter(|_| !allowed.chain.is_default()) {
                api.seen.entries(&call.caller, repository, (&root.descriptor, bytes), &root.refused);
            }
        }
        Err(status) => decided(rule, End::Failed(status.message())),
    }
    ended
}

/// Returns the root where no policy stands before the default one, which lets every root pass.
async fn plain(allowed: &Allowed, reference: &Reference, content: bool) -> Result<Root, Status> {
    let (descriptor, content, origin) = match content {
        true => {
            let pulled = allowed.source.pull(reference).await.map_err(|error| failed::content(&error))?;
            (pulled.value.descriptor, Some(pulled.value.bytes), pulled.origin)
        }
        false => {
            let found = allowed.source.resolve(reference).await.map_err(|error| failed::content(&error))?;
            (found.value, None, found.origin)
        }
    };
    Ok(Root { reference: reference.clone(), descriptor, content, origin: Some(origin), refused: [].into() })
}

async fn judged(
    call: &Call,
    allowed: &Allowed,
    reference: &Reference,
    content: bool,
) -> Result<Result<Root, Vec<Denial>>, Status> {
    // With its images: a policy that judges images then refuses some of them, and not the root because of one.
    let session = allowed.resolver().session(Request::new(reference.clone()).with_images());
    let resolution = match call.resolve(&session).await.map_err(|error| failed::run(&session, &error))? {
        Outcome::Denied { denials, .. } => return Ok(Err(denials)),
        Outcome::Resolved(resolution) => resolution,
    };
    let refused = match refused(&resolution) {
        Ok(refused) => refused,
        Err(denials) => return Ok(Err(denials)),
    };
    if let Some(status) = failed::unjudged(&resolution) {
        return Err(status);
    }
    let content = match content {
        false => None,
        true => {
            let fetched = session.fetch(resolution.reference.repository(), &resolution.root).await;
            Some(fetched.map_err(|error| failed::run(&session, &error))?)
        }
    };
    let origin = origin(&session, &resolution.root.digest);
    Ok(Ok(Root { reference: resolution.reference, descriptor: resolution.root, content, origin, refused }))
}

/// Returns the digests of the refused images, or all reasons where no image is left, or one has no digest that could be
/// held back.
fn refused(resolution: &Resolution) -> Result<RefusedEntries, Vec<Denial>> {
    let manifests: Option<Vec<Digest>> = resolution.refused.iter().map(|refused| refused.manifest.clone()).collect();
    let left = resolution.refused.is_empty() || resolution.images.iter().any(Result::is_ok);
    match manifests {
        Some(manifests) if left && !manifests.contains(&resolution.root.digest) => Ok(manifests.into()),
        _ => {
            let denials = resolution.images.iter().filter_map(|image| match image {
                Err(Absence::Denied(denials)) => Some(denials),
                _ => None,
            });
            Err(denials.flatten().cloned().collect())
        }
    }
}

/// Returns where the run has the root from.
fn origin(session: &Session, root: &Digest) -> Option<Origin> {
    session.trace().spans.into_iter().find_map(|span| match span.event {
        Event::Call(observation) => match observation.result?.ok()? {
            found if matches!(&found.value, Answer::Resolved(at) | Answer::Pulled(at) if at.digest == *root) => {
                Some(found.origin)
            }
            _ => None,
        },
        _ => None,
    })
}
