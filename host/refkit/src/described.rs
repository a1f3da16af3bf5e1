//! What a policy decided, in a line for a person.

use refkit_contract::{Absence, Decision, Denial, ErrorCode, Failure, Request, Resolved};
use refkit_oci::{Descriptor, Digest};

use crate::refusals::Refusals;

/// Returns what became of a request at a policy.
pub(crate) fn describe(
    refusals: &Refusals,
    policy: &str,
    request: &Request,
    result: &Result<Decision<Descriptor>, Failure>,
    next: Option<&Request>,
) -> String {
    if let Some(request) = next {
        return format!("passed on {}", request.reference);
    }
    match result {
        Ok(Decision::Resolved(resolved)) => {
            let mut text = format!("resolved {}", resolved.root.digest);
            for denied in denied(refusals, policy, request, resolved) {
                text.push_str(&denied);
            }
            text
        }
        Ok(Decision::Denied(denials)) => match denials.first() {
            Some(denial) => by(policy, denial),
            None => "denied".into(),
        },
        Err(failure) if failure.code == ErrorCode::NotGranted => format!("failed (not granted): {}", failure.message),
        Err(failure) => format!("failed: {}", failure.message),
    }
}

/// Returns a part for each image that was refused.
fn denied(refusals: &Refusals, policy: &str, request: &Request, resolved: &Resolved<Descriptor>) -> Vec<String> {
    let mut parts = Vec::new();
    for (place, image) in resolved.images.iter().enumerate() {
        let Err(Absence::Denied(denials)) = image else { continue };
        let Some(denial) = denials.first() else { continue };
        let stood = refusals.stood(&resolved.root.digest, &request.selection, place);
        let manifest: Option<Digest> = stood.map(|(manifest, _)| manifest).or_else(|| denial.subject.clone());
        let image = manifest.map_or_else(|| format!("image {}", place + 1), |manifest| manifest.to_string());
        parts.push(format!(", {image} {}", by(policy, denial)));
    }
    parts
}

/// Names the policy only where it is not the one that is described.
fn by(policy: &str, denial: &Denial) -> String {
    let rule = &denial.rule;
    if denial.policy() == policy {
        format!("denied by rule {rule}")
    } else {
        format!("denied by {}, rule {rule}", denial.policy())
    }
}
