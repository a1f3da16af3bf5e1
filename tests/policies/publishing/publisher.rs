//! What a publication as a component ends in.

use refkit::{PublishOutcome, PublishRequest, Publisher};
use refkit_content::{Memory, Resolve as _};
use refkit_oci::{Digest, Reference};

/// Publishes, and returns how the text of a denial (`denied RULE: MESSAGE`) or of an error (`error MESSAGE`) begins, or
/// `published`.
pub async fn outcome(publisher: &Publisher, request: PublishRequest) -> String {
    match publisher.publish(request).await {
        Ok(PublishOutcome::Published(_)) => "published".to_owned(),
        Ok(PublishOutcome::Denied { denials, .. }) => format!("denied {}: {}", denials[0].rule, denials[0].message),
        Err(error) => format!("error {error}"),
        Ok(other) => format!("{other:?}"),
    }
}

/// Returns the digest that a reference names now.
pub async fn held(memory: &Memory, reference: &Reference) -> Option<Digest> {
    memory.resolve(reference).await.ok().map(|root| root.value.digest)
}
