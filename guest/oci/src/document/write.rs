//! Writes documents as JSON. Members have a fixed order, and annotations are sorted by key, so that equal documents
//! have equal bytes. Empty members are left out.

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

use super::{Index, Manifest};
use crate::{Descriptor, Platform};

/// Writes texts with their keys as an object.
struct Pairs<'a>(&'a [(String, String)]);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Writes an optional member.
fn option<M: SerializeMap>(map: &mut M, name: &str, value: Option<&impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

/// Writes a list, unless it is empty.
fn list<M: SerializeMap>(map: &mut M, name: &str, values: &[impl Serialize]) -> Result<(), M::Error> {
    option(map, name, Some(&values).filter(|values| !values.is_empty()))
}

/// Writes annotations, unless they are empty.
fn annotations<M: SerializeMap>(map: &mut M, pairs: &[(String, String)]) -> Result<(), M::Error> {
    option(map, "annotations", Some(&Pairs(pairs)).filter(|_| !pairs.is_empty()))
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("architecture", &self.architecture)?;
        map.serialize_entry("os", &self.os)?;
        option(&mut map, "os.version", self.os_version.as_ref())?;
        list(&mut map, "os.features", &self.os_features)?;
        option(&mut map, "variant", self.variant.as_ref())?;
        map.end()
    }
}

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mediaType", &self.media_type)?;
        map.serialize_entry("digest", self.digest.as_str())?;
        map.serialize_entry("size", &self.size)?;
        option(&mut map, "artifactType", self.artifact_type.as_ref())?;
        annotations(&mut map, &self.annotations)?;
        option(&mut map, "platform", self.platform.as_ref())?;
        list(&mut map, "urls", &self.urls)?;
        option(&mut map, "data", self.data.as_ref())?;
        map.end()
    }
}

/// Fails for a document with a digest of an unknown algorithm, which writing would lose.
fn whole<E: Error>(unverifiable: &[super::Unverifiable]) -> Result<(), E> {
    unverifiable.first().map_or(Ok(()), |one| Err(E::custom(one.error())))
}

/// Fails if the document refers to content by a digest of an unknown algorithm; [`edit`](crate::edit) keeps such
/// entries.
impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        whole(&self.unverifiable)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemaVersion", &2)?;
        map.serialize_entry("mediaType", &self.media_type)?;
        option(&mut map, "artifactType", self.artifact_type.as_ref())?;
        map.serialize_entry("config", &self.config)?;
        map.serialize_entry("layers", &self.layers)?;
        option(&mut map, "subject", self.subject.as_ref())?;
        annotations(&mut map, &self.annotations)?;
        map.end()
    }
}

/// Fails if the document refers to content by a digest of an unknown algorithm; [`edit`](crate::edit) keeps such
/// entries.
impl Serialize for Index {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        whole(&self.unverifiable)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemaVersion", &2)?;
        map.serialize_entry("mediaType", &self.media_type)?;
        option(&mut map, "artifactType", self.artifact_type.as_ref())?;
        map.serialize_entry("manifests", &self.manifests)?;
        option(&mut map, "subject", self.subject.as_ref())?;
        annotations(&mut map, &self.annotations)?;
        map.end()
    }
}
