//! Refuses to move a tag that exists to other content. To publish the same content again is no move.

use refkit_publishing::*;

/// The policy.
pub struct ImmutableTags;

impl Publisher for ImmutableTags {
    fn about() -> Description {
        Description::new("immutable-tags", "1.0.0", "Refuses to move a tag that exists")
    }

    fn publish(host: &impl PublishingHost, mut request: Publication) -> Result<Published, Error> {
        let mut held: Option<(Reference, String)> = None;
        for destination in &mut request.destinations {
            if destination.tag.is_none() {
                continue;
            }
            let tag = Reference { digest: None, ..destination.clone() };
            let root = match host.resolve(&tag) {
                Ok(root) => root.digest,
                Err(error) if error.code == ErrorCode::NotFound => continue,
                Err(error) => return Err(error),
            };
            // The result has one digest. Where that is not the digest of each tag, one of them would move.
            let before = held.as_ref().map(|(_, digest)| digest);
            if before.into_iter().chain(&destination.digest).any(|digest| *digest != root) {
                return Ok(refused(&tag, &format!("it is {root}")));
            }
            // No registry takes other content under this digest.
            destination.digest = Some(root.clone());
            held = Some((tag, root));
        }
        let Some((tag, root)) = held else { return host.publish(&request) };
        // These come first: if the content is another, no tag has moved when that shows.
        request.destinations.sort_by_key(|destination| destination.digest.as_ref() != Some(&root));
        match host.publish(&request) {
            Err(error) if error.message.ends_with(&format!("not {root}")) => {
                // What stands before it names the push, which has the tag and the digest as well.
                let why = error.message.rsplit(": ").next().unwrap_or_default();
                Ok(refused(&tag, why))
            }
            outcome => outcome,
        }
    }
}

fn refused(tag: &Reference, why: &str) -> Published {
    Published::deny("immutable-tags", format!("{tag} exists, and does not move: {why}"))
}

refkit_publishing::export!(ImmutableTags);
