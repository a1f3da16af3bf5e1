//! Refuses images without a label in their config, or as an annotation of their manifest or of its entry in the index.
//! It judges each image separately, so a caller who lists images sees the others.

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
        // The images decide even if the caller requests the root alone; the host removes them afterwards.
        request.parts |= Parts::CONFIGS;
        let mut outcome = host.next(&request)?;
        let Outcome::Resolved(Resolved { reference, images, .. }) = &mut outcome else { return Ok(outcome) };

        let configs = images.iter().flatten().filter_map(|image| image.config.as_ref());
        let digests: Vec<String> = configs.map(|config| config.digest.clone()).collect();
        let contents: Contents = digests.iter().map(String::as_str).zip(host.fetch_all(reference, &digests)).collect();
        let is_wanted =
            |found: &[(String, String)]| found.iter().any(|(k, v)| k == key && value.is_none_or(|value| v == value));
        for place in images {
            let Ok(image) = place else { continue };
            let digest = &image.manifest.digest;
            let found = labels(image, &contents).and_then(|found| match is_wanted(&found) {
                true => Ok(true),
                // If the source shows no manifests (in a build), the label has to be in the entry or in the config.
                false => match annotations(host, reference, image) {
                    Err(error) if error.code == ErrorCode::Unsupported => Ok(false),
                    found => Ok(is_wanted(&found?)),
                },
            });
            let absence = match found {
                Ok(true) => continue,
                Ok(false) => {
                    Absence::deny("require-label", format!("{digest} has no label or annotation {label}"), digest)
                }
                Err(error) => Absence::Failed(error),
            };
            *place = Err(absence);
        }
        Ok(outcome)
    }
}

/// The fetched contents, by digest.
type Contents<'a> = BTreeMap<&'a str, Result<Vec<u8>, Error>>;

/// Returns the annotations of an image's entry and the labels of its config.
fn labels(image: &Image, contents: &Contents) -> Result<Vec<(String, String)>, Error> {
    let mut found = image.manifest.annotations.clone();
    if let Some(config) = &image.config {
        let config = document::read_config(&contents[config.digest.as_str()].clone()?).map_err(Error::invalid)?;
        found.extend(config.labels().map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
    Ok(found)
}

/// Returns the annotations of an image's manifest.
fn annotations(host: &impl Host, reference: &Reference, image: &Image) -> Result<Vec<(String, String)>, Error> {
    let bytes = host.fetch(reference, &image.manifest.digest)?;
    match document::read(Some(&image.manifest.media_type), &bytes, &Limits::default()).map_err(Error::invalid)? {
        Document::Manifest(manifest) => Ok(manifest.annotations),
        Document::Index(_) => Ok(Vec::new()),
    }
}

refkit_policy::export!(RequireLabel);
