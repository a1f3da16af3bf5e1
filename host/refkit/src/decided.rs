//! What a policy decided, in a line for a person.

use refkit_oci::{Descriptor, Digest};
use refkit_sandbox::{Absence, Decision, Denial, ErrorCode, Failure, Request, Resolved};

use crate::resolver::Link;
use crate::session::Run;

/// Returns what became of a request at a policy.
pub(crate) fn describe(
    run: &Run,
    link: &Link,
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
            for denied in denied(run, link, request, resolved) {
                text.push_str(&denied);
            }
            text
        }
        Ok(Decision::Denied(denials)) => match denials.first() {
            Some(denial) => by(run, link, denial),
            None => "denied".into(),
        },
        Err(failure) if failure.code == ErrorCode::NotGranted => format!("failed (not granted): {}", failure.message),
        Err(failure) => format!("failed: {}", failure.message),
    }
}

/// Returns a part for each image that was refused: its own refusals in full, those of the rest of the chain in short.
fn denied(run: &Run, link: &Link, request: &Request, resolved: &Resolved<Descriptor>) -> Vec<String> {
    let mut parts = Vec::new();
    for (place, image) in resolved.images.iter().enumerate() {
        let Err(Absence::Denied(denials)) = image else { continue };
        let Some(denial) = denials.first() else { continue };
        let stood = run.refusals.stood(&resolved.root.digest, &request.selection, place);
        let manifest: Option<Digest> = stood.map(|(manifest, _)| manifest).or_else(|| denial.subject.clone());
        let image = manifest.map_or_else(|| format!("image {}", place + 1), |manifest| manifest.to_string());
        parts.push(format!(", {image} {}", by(run, link, denial)));
    }
    parts
}

fn by(run: &Run, link: &Link, denial: &Denial) -> String {
    let rule = &denial.rule;
    match run.denied_by(denial).filter(|policy| *policy != link.name()) {
        Some(policy) => format!("denied by {policy}, rule {rule}"),
        None => format!("denied by rule {rule}"),
    }
}
