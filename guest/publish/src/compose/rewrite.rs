//! Manifests with annotations of their own. Such a manifest is a new one: its digest changes, and what refers to the old
//! digest (signatures, other referrers) does not follow. All other parts of it keep their bytes.

use std::collections::HashMap;

use bytes::Bytes;
use refkit_oci::annotation::{Annotation, Level};
use refkit_oci::document::media_type::{self, CONFIG, DOCKER_CONFIG, DOCKER_MANIFEST, MANIFEST};
use refkit_oci::edit::{EditError, Object};
use refkit_oci::{Content, Descriptor, Digest, Platform};

use super::{ComposeError, Needed, digest};

/// A manifest that was written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The manifest that it replaces.
    pub of: Digest,
    /// The new manifest.
    pub content: Content,
}

/// What manifests get.
#[derive(Debug, Clone, Default)]
pub(super) struct Rewrite {
    /// Each with the one platform whose manifests get it.
    annotations: Vec<(Option<Platform>, String, String)>,
    /// Whether a Docker manifest becomes one of OCI.
    oci: bool,
}

impl Rewrite {
    pub fn new(annotations: &[Annotation], oci: bool) -> Self {
        let of_manifests = annotations.iter().flat_map(|Annotation { levels, key, value }| {
            levels.iter().filter_map(|level| match level {
                Level::Manifest(platform) => Some((platform.clone(), key.clone(), value.clone())),
                _ => None,
            })
        });
        Self { annotations: of_manifests.collect(), oci }
    }

    /// Returns whether a manifest gets annotations.
    pub fn changes(&self, entry: &Descriptor) -> bool {
        self.of(entry).next().is_some()
    }

    /// Returns what an entry gets. An attestation is about a manifest, and none that a user annotates.
    fn of(&self, entry: &Descriptor) -> impl Iterator<Item = (&str, &str)> {
        let all = self.annotations.iter().filter(|_| !entry.is_attestation());
        let wanted = all.filter(|(platform, ..)| platform.as_ref().is_none_or(|platform| is_for(entry, platform)));
        wanted.map(|(_, key, value)| (key.as_str(), value.as_str()))
    }

    /// Checks that each platform of an annotation is one of an entry, and that each entry can be written anew.
    ///
    /// # Errors
    /// [`ComposeError::NoManifest`], [`ComposeError::IndexAnnotation`], [`ComposeError::DockerManifest`].
    pub fn check<'a>(&self, entries: impl Iterator<Item = &'a Descriptor> + Clone) -> Result<(), ComposeError> {
        for (platform, key, _) in &self.annotations {
            if let Some(platform) = platform
                && !entries.clone().any(|entry| !entry.is_attestation() && is_for(entry, platform))
            {
                return Err(ComposeError::NoManifest { key: key.clone(), platform: Box::new(platform.clone()) });
            }
        }
        for entry in entries.filter(|entry| self.changes(entry)) {
            match entry.media_type.as_str() {
                media_type if media_type::is_index(media_type) => {
                    return Err(ComposeError::IndexAnnotation(entry.digest.clone()));
                }
                DOCKER_MANIFEST if !self.oci => return Err(ComposeError::DockerManifest(entry.digest.clone())),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the manifests of entries anew, and puts the new descriptors into the entries: an attestation is then about
    /// the new manifest.
    pub fn apply(
        &self,
        entries: &mut [Needed],
        manifests: &HashMap<Digest, Bytes>,
    ) -> Result<Vec<Rewritten>, ComposeError> {
        let mut all = Vec::new();
        for entry in entries.iter_mut().map(|entry| &mut entry.descriptor).filter(|entry| self.changes(entry)) {
            let bytes = manifests.get(&entry.digest).ok_or_else(|| ComposeError::NoBytes(entry.digest.clone()))?;
            let content = self.write(entry, bytes)?;
            let of = std::mem::replace(&mut entry.digest, content.descriptor.digest.clone());
            entry.media_type.clone_from(&content.descriptor.media_type);
            entry.size = content.descriptor.size;
            all.push(Rewritten { of, content });
        }
        for entry in entries.iter_mut().map(|entry| &mut entry.descriptor) {
            let about = entry.attests().and_then(|about| all.iter().find(|one| one.of.as_str() == about));
            if let Some(one) = about {
                let about = one.content.descriptor.digest.as_str();
                super::combine::set(&mut entry.annotations, refkit_oci::descriptor::REFERENCE_DIGEST, about);
            }
        }
        Ok(all)
    }

    /// Returns a manifest with its new annotations, in the order in which they were given.
    pub fn write(&self, entry: &Descriptor, bytes: &[u8]) -> Result<Content, ComposeError> {
        let mut manifest = Object::read(bytes)?;
        let mut media_type = entry.media_type.clone();
        if media_type == DOCKER_MANIFEST {
            convert(&mut manifest)?;
            media_type = MANIFEST.to_owned();
        }
        let mut annotations = manifest.object("annotations")?;
        for (key, value) in self.of(entry) {
            annotations.set(key, value)?;
        }
        manifest.set("annotations", &annotations)?;
        let bytes = Bytes::from(manifest.into_bytes());
        Ok(Content { descriptor: Descriptor::new(media_type, digest(&bytes), bytes.len() as u64), bytes })
    }
}

/// Returns whether an entry is for a platform, in any spelling of it.
fn is_for(entry: &Descriptor, wanted: &Platform) -> bool {
    let normalized = |platform: &Platform| {
        let Platform { os, architecture, variant, .. } = platform.clone().normalized();
        (os, architecture, variant)
    };
    entry.platform.as_ref().is_some_and(|platform| normalized(platform) == normalized(wanted))
}

/// Makes an OCI manifest of a Docker manifest: the media types change, the config and the layers stay.
fn convert(manifest: &mut Object) -> Result<(), EditError> {
    manifest.set("mediaType", MANIFEST)?;
    let mut config = manifest.object("config")?;
    if config.get::<String>("mediaType")?.as_deref() == Some(DOCKER_CONFIG) {
        config.set("mediaType", CONFIG)?;
        manifest.set("config", &config)?;
    }
    let mut layers = manifest.list("layers")?;
    for place in 0..layers.len() {
        let Some(mut layer) = layers.object(place)? else { continue };
        let known = layer.get::<String>("mediaType")?;
        if let Some(media_type) = known.as_deref().and_then(of_layer) {
            layer.set("mediaType", &media_type)?;
            layers.set(place, &layer)?;
        }
    }
    manifest.set("layers", &layers)
}

/// Returns OCI's media type for a layer of Docker's.
fn of_layer(media_type: &str) -> Option<String> {
    let kind = media_type.strip_prefix("application/vnd.docker.image.rootfs.")?;
    let (kind, oci) = match kind.strip_prefix("foreign.") {
        Some(kind) => (kind, "application/vnd.oci.image.layer.nondistributable.v1.tar"),
        None => (kind, "application/vnd.oci.image.layer.v1.tar"),
    };
    match kind.strip_prefix("diff.tar")? {
        "" => Some(oci.to_owned()),
        ".gzip" => Some(format!("{oci}+gzip")),
        ".zstd" => Some(format!("{oci}+zstd")),
        _ => None,
    }
}
