//! Refuses images that do not carry a label: in their config, or as an annotation of their manifest or of its entry
//! in the index. Each image is judged on its own, so a caller who lists images sees the others.

use std::collections::BTreeMap;

use refkit_policy::oci::document::{self, Document, Limits};
use refkit_policy::*;

/// The policy.
pub struct RequireLabel;

impl Policy for RequireLabel {
    fn about() -> Description {
        Description::new("require-label", "1.0.0", "Refuses images without a label or an annotation")
            .required("label", "the label or annotation that has to be there, as KEY or KEY=VALUE")
    }

    fn resolve(host: &impl Host, mut request: Request) -> Result<Outcome, Error> {
        let label = required(host, "label")?;
        let (key, value) = label.split_once('=').map_or((label.as_str(), None), |(key, value)| (key, Some(value)));
        if key.is_empty() {
            return Err(Error::invalid(format_args!("the setting label: there is no name in {label:?}")));
        }
        // The images decide where the caller wants the root alone, too; the host takes them away afterwards.
        request.parts |= Parts::CONFIGS;
        let mut outcome = host.next(&request)?;
        let Outcome::Resolved(Resolved { reference, images, .. }) = &mut outcome else { return Ok(outcome) };

        let wanted = images.iter().flatten().flat_map(|image| [Some(&image.manifest), image.config.as_ref()]);
        let digests: Vec<String> = wanted.flatten().map(|descriptor| descriptor.digest.clone()).collect();
        let contents: Contents = digests.iter().map(String::as_str).zip(host.fetch_all(reference, &digests)).collect();
        for place in images {
            let Ok(image) = place else { continue };
            let digest = &image.manifest.digest;
            let absence = match labels(image, &contents) {
                Ok(found) if found.iter().any(|(k, v)| k == key && value.is_none_or(|value| v == value)) => continue,
                Ok(_) => Absence::deny("require-label", format!("{digest} has no label or annotation {label}"), digest),
                Err(error) => Absence::Failed(error),
            };
            *place = Err(absence);
        }
        Ok(outcome)
    }
}

/// What was fetched, by digest.
type Contents<'a> = BTreeMap<&'a str, Result<Vec<u8>, Error>>;

/// Returns the labels and annotations of an image.
fn labels(image: &Image, contents: &Contents) -> Result<Vec<(String, String)>, Error> {
    let read = |descriptor: &Descriptor| contents[descriptor.digest.as_str()].clone();
    let mut found = image.manifest.annotations.clone();
    let manifest = document::read(Some(&image.manifest.media_type), &read(&image.manifest)?, &Limits::default());
    if let Document::Manifest(manifest) = manifest.map_err(Error::invalid)? {
        found.extend(manifest.annotations);
    }
    if let Some(config) = &image.config {
        let config = document::read_config(&read(config)?).map_err(Error::invalid)?;
        found.extend(config.labels().map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
    Ok(found)
}

refkit_policy::export!(RequireLabel);
