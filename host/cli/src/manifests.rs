//! What the manifests of a resolution say.

use std::collections::HashMap;

use refkit::{Absence, Failure, Image, Resolution, Session};
use refkit_content::Problem;
use refkit_oci::document::{self, Document};
use refkit_oci::{Descriptor, Digest, Platform};

/// What one manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Bytes of the manifest, its config and its layers.
    pub size: u64,
    /// The platform, from the config, where nothing else says it.
    pub platform: Option<Platform>,
    /// The config.
    pub config: Descriptor,
    /// The layers, the first one at the bottom.
    pub layers: Vec<Descriptor>,
    /// The manifest's own annotations.
    pub annotations: Vec<(String, String)>,
}

/// Manifests by digest; a failure where one could not be read.
pub type Manifests = HashMap<Digest, Result<Manifest, Failure>>;

/// Reads the manifests of a resolution's images, side by side, within the run's limits.
pub async fn read(session: &Session, resolution: &Resolution) -> Manifests {
    let mut images: HashMap<&Digest, &Image<Descriptor>> = HashMap::new();
    for image in resolution.images.iter().flatten() {
        images.entry(&image.manifest.digest).or_insert(image);
    }
    let reads = images.into_values().map(|image| async {
        let read = manifest(session, resolution, image).await;
        (image.manifest.digest.clone(), read.map_err(|error| failure(&error)))
    });
    let reads = futures_util::future::join_all(reads);
    let (budget, spent) = (session.budget(), session.spent());
    match tokio::time::timeout(budget.wall.saturating_sub(spent.wall), reads).await {
        Ok(manifests) => manifests.into_iter().collect(),
        Err(_) => {
            let failure = failure(&refkit::Error::Timeout { limit: budget.wall });
            let all = resolution.images.iter().flatten();
            all.map(|image| (image.manifest.digest.clone(), Err(failure.clone()))).collect()
        }
    }
}

fn failure(error: &refkit::Error) -> Failure {
    Failure { code: error.code(), message: error.to_string() }
}

async fn manifest(
    session: &Session,
    resolution: &Resolution,
    image: &Image<Descriptor>,
) -> Result<Manifest, refkit::Error> {
    let repository = resolution.reference.repository();
    let descriptor = &image.manifest;
    let bytes = session.fetch(repository, descriptor).await?;
    let malformed = |text: String| {
        let subject = format!("{repository}@{}", descriptor.digest);
        refkit::Error::from(refkit_content::Error::new(
            refkit_content::Operation::Fetch,
            subject,
            Problem::Malformed(text),
        ))
    };
    let read = document::read(Some(&descriptor.media_type), &bytes, &document::Limits::default())
        // Without a part of it the size would be another one.
        .and_then(Document::verifiable);
    let manifest = match read.map_err(|error| malformed(error.to_string()))? {
        Document::Manifest(manifest) => manifest,
        Document::Index(_) => return Err(malformed("it is an index, not a manifest".to_owned())),
    };
    let blobs = manifest.layers.iter().chain([&manifest.config]);
    let size = blobs.fold(descriptor.size, |sum, blob| sum.saturating_add(blob.size));
    let platform = match image.platform {
        Some(_) => None,
        None => platform(session, resolution, &manifest.config).await?,
    };
    let document::Manifest { config, layers, annotations, .. } = manifest;
    Ok(Manifest { size, platform, config, layers, annotations })
}

/// An artifact's config is none of an image, and says no platform.
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

/// Returns the same places, with an absence where a manifest could not be read.
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
