//! The index of all sources, or the one source as it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use refkit_oci::annotation::{Annotation, Level};
use refkit_oci::document::{Document, media_type};
use refkit_oci::edit::EditError;
use refkit_oci::{Content, Descriptor, Digest, Platform};

use super::nested::Nested;
use super::{Compose, ComposeError, Needed, Source, digest, write};

/// How the media types of Docker begin.
const DOCKER: &str = "application/vnd.docker.";

/// What the sources become before platforms are filtered.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    /// The one manifest as it is, with its platform.
    Manifest(Box<Content>),
    /// An index.
    Index(Box<Index>),
}

/// An index whose entries can still change.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// The index as it is, where it is the one source.
    pub original: Option<Content>,
    /// The media type.
    pub media_type: String,
    /// Whether the document states the media type.
    pub stated: bool,
    pub artifact_type: Option<String>,
    pub subject: Option<Descriptor>,
    pub annotations: Vec<(String, String)>,
    /// The entries, each with the source it comes from.
    pub entries: Vec<Needed>,
    /// The entries of the indexes among the entries.
    pub nested: Nested,
}

impl Compose {
    pub(super) fn combine(&self, sources: Vec<Source>) -> Result<Draft, ComposeError> {
        self.check_levels()?;
        if let [source] = &sources[..]
            && !self.annotates_index()
        {
            match &source.document {
                Document::Index(_) if self.oci && source.descriptor.media_type != media_type::INDEX => {}
                Document::Index(index) => {
                    let entry = |descriptor: &Descriptor| Needed { descriptor: descriptor.clone(), source: 0 };
                    return Ok(Draft::Index(Box::new(Index {
                        original: Some(content(source.descriptor.clone(), source)),
                        media_type: source.descriptor.media_type.clone(),
                        stated: source.states_media_type()?,
                        artifact_type: index.artifact_type.clone(),
                        subject: index.subject.clone(),
                        annotations: index.annotations.clone(),
                        entries: index.manifests.iter().map(entry).collect(),
                        nested: source.nested.clone(),
                    })));
                }
                Document::Manifest(_) if !self.prefer_index => {
                    return Ok(Draft::Manifest(Box::new(content(source.listed()?, source))));
                }
                Document::Manifest(_) => {}
            }
        }
        let (mut entries, mut nested) = (Entries::default(), Nested::default());
        for (place, source) in sources.iter().enumerate() {
            nested.extend(&source.nested);
            match &source.document {
                Document::Index(index) => index.manifests.iter().for_each(|entry| entries.add(entry.clone(), place)),
                Document::Manifest(_) => entries.add(source.listed()?, place),
            }
        }
        let mut entries = entries.all;
        let docker = entries.iter().all(|entry| entry.descriptor.media_type.starts_with(DOCKER));
        let docker = docker && !self.oci;
        if docker && self.annotates_index() {
            return Err(ComposeError::DockerAnnotations);
        }
        let mut annotations = Vec::new();
        for Annotation { levels, key, value } in &self.annotations {
            for level in levels {
                match level {
                    Level::Index => set(&mut annotations, key, value),
                    Level::ManifestDescriptor(platform) => entries
                        .iter_mut()
                        .map(|entry| &mut entry.descriptor)
                        .filter(|entry| platform.as_ref().is_none_or(|platform| is_spelled(entry, platform)))
                        .for_each(|entry| set(&mut entry.annotations, key, value)),
                    // One was refused before, and the manifests come later.
                    Level::IndexDescriptor | Level::Manifest(_) => {}
                }
            }
        }
        let media_type = if docker { media_type::DOCKER_INDEX } else { media_type::INDEX };
        Ok(Draft::Index(Box::new(Index {
            original: None,
            media_type: media_type.to_owned(),
            stated: true,
            artifact_type: None,
            subject: None,
            annotations,
            entries,
            nested,
        })))
    }

    /// Returns whether the index or its entries get annotations.
    pub(super) fn annotates_index(&self) -> bool {
        let of_manifests = |level: &Level| matches!(level, Level::Manifest(_));
        self.annotations.iter().any(|annotation| !annotation.levels.iter().all(of_manifests))
    }

    fn check_levels(&self) -> Result<(), ComposeError> {
        for Annotation { levels, key, .. } in &self.annotations {
            for level in levels {
                match level {
                    Level::Index | Level::ManifestDescriptor(_) | Level::Manifest(_) => {}
                    Level::IndexDescriptor => return Err(ComposeError::IndexDescriptorAnnotation(key.clone())),
                }
            }
        }
        Ok(())
    }
}

impl Index {
    /// Returns the platforms of the images that it lists, each once, in their order.
    pub fn platforms(&self) -> Vec<Platform> {
        let below = self.entries.iter().flat_map(|entry| self.nested.below(&entry.descriptor));
        let images = below.filter(|entry| entry.attests().is_none());
        let mut platforms = Vec::new();
        for platform in images.filter_map(|entry| entry.platform.clone()) {
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        platforms
    }

    /// Returns the document with the descriptor of its bytes.
    pub fn write(&self) -> Result<Content, ComposeError> {
        let bytes = write::bytes(&write::Index {
            schema_version: 2,
            media_type: Some(&*self.media_type).filter(|_| self.stated),
            artifact_type: self.artifact_type.as_deref(),
            manifests: self.entries.iter().map(|entry| (&entry.descriptor).into()).collect(),
            subject: self.subject.as_ref().map(Into::into),
            annotations: write::pairs(&self.annotations),
        });
        let bytes = Bytes::from(bytes.map_err(EditError::from)?);
        let digest = digest(&bytes);
        let mut descriptor = Descriptor::new(&*self.media_type, digest, bytes.len() as u64);
        if let Some(original) = &self.original {
            descriptor.annotations.clone_from(&original.descriptor.annotations);
        }
        Ok(Content { descriptor, bytes })
    }
}

/// Entries, one for each digest, in the order in which they were first met.
#[derive(Debug, Default)]
struct Entries {
    all: Vec<Needed>,
    places: HashMap<Digest, usize>,
}

impl Entries {
    fn add(&mut self, descriptor: Descriptor, source: usize) {
        match self.places.entry(descriptor.digest.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.all.len());
                self.all.push(Needed { descriptor, source });
            }
            Entry::Occupied(place) => {
                let Some(known) = self.all.get_mut(*place.get()) else { return };
                known.source = source;
                known.descriptor.platform = descriptor.platform.or(known.descriptor.platform.take());
                for (key, value) in &descriptor.annotations {
                    set(&mut known.descriptor.annotations, key, value);
                }
            }
        }
    }
}

/// Sets an annotation; they stay sorted by key.
pub(super) fn set(annotations: &mut Vec<(String, String)>, key: &str, value: &str) {
    match annotations.binary_search_by(|(known, _)| known.as_str().cmp(key)) {
        Ok(place) => value.clone_into(&mut annotations[place].1),
        Err(place) => annotations.insert(place, (key.to_owned(), value.to_owned())),
    }
}

fn content(descriptor: Descriptor, source: &Source) -> Content {
    Content { descriptor, bytes: source.bytes.clone() }
}

fn is_spelled(entry: &Descriptor, wanted: &Platform) -> bool {
    entry.platform.as_ref().is_some_and(|platform| {
        (&platform.os, &platform.architecture, &platform.variant) == (&wanted.os, &wanted.architecture, &wanted.variant)
    })
}
