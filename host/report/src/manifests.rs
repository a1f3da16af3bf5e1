//! The manifests of a resolution, read for a report.

use std::cell::Cell;
use std::collections::HashMap;

use refkit::{Absence, Failure, Image, Resolution, Session};
use refkit_content::ErrorKind;
use refkit_oci::document::{self, Document};
use refkit_oci::{Descriptor, Digest, Footprint, Platform};

/// The parts of a manifest that a report shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Bytes of the manifest, its config and its layers.
    pub size: u64,
    /// The platform of the config, if neither the index nor the answer has one.
    pub platform: Option<Platform>,
    /// The config.
    pub config: Descriptor,
    /// The layers, the first one at the bottom.
    pub layers: Vec<Descriptor>,
    /// The manifest's own annotations.
    pub annotations: Vec<(String, String)>,
}

/// The most bytes of memory that the annotations of the manifests of one report take: 1,000 images may have 4 KiB each.
/// A report holds them several times, and a terminal's escapes make some of them six times as long.
const ANNOTATIONS: usize = 4 << 20;

/// The most that their layers take: 1,000 images may have 40 each.
const LAYERS: usize = 16 << 20;

/// How many bytes of both the remaining manifests may take.
struct Left {
    annotations: Cell<usize>,
    layers: Cell<usize>,
}

impl Left {
    fn take(&self, manifest: &document::Manifest) -> Result<(), ErrorKind> {
        let both = [
            (&self.annotations, manifest.annotations.footprint(), "annotations", ANNOTATIONS),
            (&self.layers, manifest.layers.footprint(), "layers", LAYERS),
        ];
        for (left, size, what, limit) in both {
            let rest = left.get().checked_sub(size).ok_or_else(|| {
                ErrorKind::Other(format!(
                    "the {what} of these manifests take more than {limit} bytes of memory; ask for fewer platforms"
                ))
            })?;
            left.set(rest);
        }
        Ok(())
    }
}

/// Manifests by digest; a failure where one could not be read.
pub type Manifests = HashMap<Digest, Result<Manifest, Failure>>;

/// Reads the manifests of a resolution's images, side by side, within the run's limits.
pub async fn read(session: &Session, resolution: &Resolution) -> Manifests {
    let mut images: HashMap<&Digest, &Image<Descriptor>> = HashMap::new();
    for image in resolution.images.iter().flatten() {
        images.entry(&image.manifest.digest).or_insert(image);
    }
    let left = Left { annotations: Cell::new(ANNOTATIONS), layers: Cell::new(LAYERS) };
    let reads = images.into_values().map(|image| async {
        let read = manifest(session, resolution, image, &left).await;
        (image.manifest.digest.clone(), read.map_err(|error| failure(&error)))
    });
    futures_util::future::join_all(reads).await.into_iter().collect()
}

fn failure(error: &refkit::Error) -> Failure {
    Failure::new(error.code(), error.to_string())
}

async fn manifest(
    session: &Session,
    resolution: &Resolution,
    image: &Image<Descriptor>,
    left: &Left,
) -> Result<Manifest, refkit::Error> {
    let repository = resolution.reference.repository();
    let descriptor = &image.manifest;
    let document = session.document(repository, descriptor).await?;
    let fail = |problem: ErrorKind| {
        let subject = format!("{repository}@{}", descriptor.digest);
        refkit::Error::from(refkit_content::Error::new(refkit_content::Operation::Fetch, subject, problem))
    };
    let malformed = |text: String| fail(ErrorKind::Malformed(text));
    let Document::Manifest(manifest) = &*document else {
        return Err(malformed("it is an index, not a manifest".to_owned()));
    };
    // Without a part of it the size would be another one.
    if let Some(part) = manifest.unverifiable.first() {
        return Err(malformed(part.error().to_string()));
    }
    left.take(manifest).map_err(fail)?;
    let blobs = manifest.layers.iter().chain([&manifest.config]);
    let size = blobs.fold(descriptor.size, |sum, blob| sum.saturating_add(blob.size));
    let platform = match image.platform {
        Some(_) => None,
        None => platform(session, resolution, &manifest.config).await?,
    };
    let (config, layers) = (manifest.config.clone(), manifest.layers.clone());
    Ok(Manifest { size, platform, config, layers, annotations: manifest.annotations.clone() })
}

/// Returns the platform of a config. The config of an artifact is not an image's and has none.
async fn platform(
    session: &Session,
    resolution: &Resolution,
    config: &Descriptor,
) -> Result<Option<Platform>, refkit::Error> {
    if !document::media_type::is_config(&config.media_type) {
        return Ok(None);
    }
    let bytes = session.fetch(resolution.reference.repository(), config).await?;
    Ok(document::read_config(&bytes).ok().and_then(|config| config.platform()).map(Platform::normalized))
}

/// Returns the places of the resolution. A place whose manifest could not be read is an absence.
pub fn places(resolution: &Resolution, manifests: &Manifests) -> Vec<Result<Image<Descriptor>, Absence>> {
    let place = |place: &Result<Image<Descriptor>, Absence>| {
        let mut image = place.clone()?;
        match manifests.get(&image.manifest.digest) {
            Some(Err(failure)) => Err(Absence::Failed(failure.clone())),
            Some(Ok(manifest)) => {
                image.platform = image.platform.or_else(|| manifest.platform.clone());
                Ok(image)
            }
            None => Ok(image),
        }
    };
    resolution.images.iter().map(place).collect()
}
