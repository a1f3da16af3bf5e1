//! Configs and platforms of images, from their manifests.

use refkit_policy::oci::document::{self, media_type};
use refkit_policy::{Absence, Error, Host, Image, Platform};

use crate::Place;
use crate::digests::Digests;
use crate::documents::{Documents, bare_of};

/// Reads the manifests of the images, all in one call, and sets their configs. It reads a config's bytes only if
/// nothing else names the platform: the host attaches the bytes itself.
///
/// A manifest whose config is no image config (an artifact) stays an image without config, because the reference names
/// it. An image whose content cannot be fetched or read becomes a failure.
pub(crate) fn configure(
    documents: &mut Documents<'_, impl Host>,
    places: &mut [Place],
    meant: impl Fn(&Image) -> bool,
) {
    let manifests: Vec<_> = places.iter().flatten().filter(|image| meant(image)).map(|image| &image.manifest).collect();
    documents.read(&manifests);
    for place in places.iter_mut() {
        let Ok(image) = place else { continue };
        if !meant(image) {
            continue;
        }
        match documents.manifest(&image.manifest.digest) {
            Err(error) => *place = Err(Absence::Failed(error)),
            Ok(manifest) if media_type::is_config(&manifest.config.media_type) => {
                image.config = Some(bare_of(&manifest.config));
            }
            Ok(_) => {}
        }
    }
    learn_platforms(documents, places);
}

/// Sets the platforms of images that have a config and no platform.
fn learn_platforms(documents: &Documents<'_, impl Host>, places: &mut [Place]) {
    let mut digests = Digests::default();
    for image in places.iter().flatten().filter(|image| image.platform.is_none()) {
        if let Some(config) = &image.config {
            digests.add(&config.digest);
        }
    }
    if digests.as_slice().is_empty() {
        return;
    }
    let read = |digest: &str, answer: Result<Vec<u8>, Error>| {
        let platform = document::read_platform(&answer?);
        let platform = platform.map_err(|error| Error::invalid(format_args!("{}: {error}", documents.name(digest))))?;
        Ok(platform.map(|platform| Platform::from(platform.normalized())))
    };
    let answers = documents.host.fetch_all(documents.reference, digests.as_slice());
    let told = digests.as_slice().iter().zip(answers).map(|(digest, answer)| read(digest, answer));
    let told: Vec<Result<Option<Platform>, Error>> = told.collect();
    for place in places {
        let Ok(Image { platform: platform @ None, config: Some(config), .. }) = place else { continue };
        match digests.place(&config.digest).and_then(|place| told.get(place)) {
            Some(Ok(told)) => platform.clone_from(told),
            Some(Err(error)) => *place = Err(Absence::Failed(error.clone())),
            None => {}
        }
    }
}
