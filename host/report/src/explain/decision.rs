//! What a policy decided, and what a call was answered with, in a line for a person.

use refkit::{Answer, ErrorCode, PolicyDecision, Reason};

/// Returns what a policy decided.
pub fn text(policy: &str, decision: &PolicyDecision) -> String {
    match decision {
        PolicyDecision::PassedOn(reference) => format!("passed on {reference}"),
        PolicyDecision::Resolved { root, refused } => {
            let mut text = format!("resolved {root}");
            for image in refused {
                let name =
                    image.manifest.as_ref().map_or_else(|| format!("image {}", image.place + 1), ToString::to_string);
                text.push_str(&format!(", {name} {}", by(policy, &image.reason)));
            }
            text
        }
        PolicyDecision::Published(root) => format!("published {root}"),
        PolicyDecision::Denied(Some(reason)) => by(policy, reason),
        PolicyDecision::Denied(None) => "denied".to_owned(),
        PolicyDecision::Failed(failure) if failure.code == ErrorCode::NotGranted => {
            format!("failed (not granted): {failure}")
        }
        PolicyDecision::Failed(failure) => format!("failed: {failure}"),
    }
}

/// Names the policy only where it is not the one that decided.
fn by(policy: &str, reason: &Reason) -> String {
    match &reason.policy {
        Some(other) if **other != *policy => format!("denied by {other}, rule {}", reason.rule),
        _ => format!("denied by rule {}", reason.rule),
    }
}

/// Returns what a call was answered with: a digest, a media type, or how many there are.
pub fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Resolved(descriptor) | Answer::Pulled(descriptor) | Answer::Pushed(descriptor) => {
            descriptor.digest.to_string()
        }
        Answer::Fetched(descriptor) => descriptor.media_type.clone(),
        Answer::Referrers(list) => format!("{} referrers", list.len()),
        Answer::Tags(tags) => format!("{} tags", tags.len()),
        Answer::Delegated { root, .. } => root.to_string(),
        Answer::Copied(descriptor) => descriptor.digest.to_string(),
        _ => String::new(),
    }
}
