//! Adds annotations to the index that is published, and refuses a publication that lacks a required one: neither the
//! request nor this policy sets it on the index, and a source does not have it.

use refkit_publishing::oci::document::{self, Document, Limits};
use refkit_publishing::*;

const RULE: &str = "require-annotations";

/// The policy.
pub struct RequireAnnotations;

impl Publisher for RequireAnnotations {
    fn about() -> Description {
        Description::new(RULE, "1.0.0", "Adds annotations, and refuses what lacks a required one")
            .optional("require", "the keys that have to be there, separated by commas", None)
            .optional("add", "annotations for the index as KEY=VALUE, separated by commas", None)
    }

    fn publish(host: &impl PublishingHost, mut request: Publication) -> Result<Published, Error> {
        for pair in list(host.setting("add")) {
            let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                return Err(Error::invalid(format_args!("the setting add: {pair:?} is not KEY=VALUE")));
            };
            // What the request says is more exact.
            if !is_set(&request, key) {
                let (target, key, value) = (AnnotationTarget::Index, key.to_owned(), value.to_owned());
                request.annotations.push(Annotation { target, platform: None, key, value });
            }
        }
        let mut missing = list(host.setting("require"));
        missing.retain(|key| !is_set(&request, key));
        let mut denials = Vec::new();
        for source in request.sources.iter().filter(|_| !missing.is_empty()) {
            let asked = Request {
                reference: source.reference.clone(),
                selection: Selection::All,
                parts: Parts::IMAGES, // The default publisher asks the same, and the run asks once.
            };
            let resolved = match host.next(&asked)? {
                Outcome::Resolved(resolved) => resolved,
                Outcome::Denied(denials) => return Ok(Published::Denied(denials)),
                Outcome::Next(_) => return Err(Error::invalid("no policy gets this answer")),
            };
            let found = annotations(host, &resolved)?;
            for key in missing.iter().filter(|key| !found.iter().any(|(found, _)| found == *key)) {
                let message = format!("{} has no annotation {key}", resolved.reference);
                let subject = Some(resolved.root.digest.clone());
                denials.push(Denial { rule: RULE.to_owned(), message, subject });
            }
        }
        if denials.is_empty() { host.publish(&request) } else { Ok(Published::Denied(denials)) }
    }
}

fn list(setting: Option<String>) -> Vec<String> {
    let setting = setting.unwrap_or_default();
    setting.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

fn is_set(request: &Publication, key: &str) -> bool {
    request.annotations.iter().any(|one| one.target == AnnotationTarget::Index && one.key == key)
}

fn annotations(host: &impl Host, resolved: &Resolved) -> Result<Vec<(String, String)>, Error> {
    let Resolved { reference, root, .. } = resolved;
    let bytes = host.fetch(reference, &root.digest)?;
    match document::read(Some(&root.media_type), &bytes, &Limits::default()).map_err(Error::invalid)? {
        Document::Index(index) => Ok(index.annotations),
        Document::Manifest(manifest) => Ok(manifest.annotations),
    }
}

refkit_publishing::export!(RequireAnnotations);
