//! The content of a table's registry: images and indexes in short, anything else as JSON or text.

use std::collections::BTreeMap;

use refkit_oci::document::{Index, Manifest, media_type};
use refkit_oci::edit::{List, Object};
use refkit_oci::{Descriptor, descriptor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Names, Registry, config, platform};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// One content. Exactly one of `image`, `index`, `artifact`, `json`, `text` and `blob` is present.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    /// The name for its digest. The config of an image NAME has the name NAME.config.
    name: String,
    /// Its repository; by default the table's own.
    repository: Option<String>,
    /// The media type of the response, and of its `mediaType` if it has one.
    media_type: Option<String>,
    /// An image: the platform in its config.
    image: Option<String>,
    /// The labels of the image's config.
    labels: Option<BTreeMap<String, String>>,
    /// The media type of the image's config.
    config_media_type: Option<String>,
    /// The bytes of the image's config, as text.
    config: Option<String>,
    /// An index: its entries.
    index: Option<Vec<Entry>>,
    /// A manifest that is no image: its artifact type.
    artifact: Option<String>,
    /// The name of an artifact's subject.
    subject: Option<String>,
    /// The annotations of an image, index or artifact.
    annotations: Option<BTreeMap<String, String>>,
    /// A manifest as JSON. An object with the member `$` stands for the descriptor of the content with that name; its
    /// other members are added to the descriptor, or replace its own.
    json: Option<Value>,
    /// A manifest as text, byte for byte, in which `$name` stands for a digest.
    text: Option<String>,
    /// A blob as text.
    blob: Option<String>,
}

/// An entry of an index: `NAME PLATFORM` or `NAME` in short.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Entry {
    Short(String),
    Long(Long),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    /// The name of the content.
    of: String,
    /// Its platform, unchanged.
    platform: Option<String>,
    /// The name of the manifest that it attests, for the two annotations that BuildKit writes.
    about: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<Value>,
}

/// Builds contents one after the other: each may refer to those before it.
pub(super) struct Builder<'a> {
    pub(super) registry: &'a mut Registry,
    pub(super) names: &'a mut Names,
    /// The repository of contents without one.
    pub(super) repository: &'a str,
    /// The descriptors of the contents by name.
    known: BTreeMap<String, Descriptor>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(registry: &'a mut Registry, names: &'a mut Names, repository: &'a str) -> Self {
        Self { registry, names, repository, known: BTreeMap::new() }
    }

    /// Adds content to the registry, and returns its name.
    pub(super) fn add(&mut self, item: &Item) -> Result<String, String> {
        let name = &item.name;
        if let Some(text) = &item.blob {
            self.blob(item, name, "application/octet-stream", text.as_bytes())?;
            return Ok(name.clone());
        }
        let (media_type, bytes) = if let Some(text) = &item.image {
            (media_type::MANIFEST, self.image(item, text)?)
        } else if let Some(entries) = &item.index {
            (media_type::INDEX, self.index(item, entries)?)
        } else if let Some(artifact_type) = &item.artifact {
            (media_type::MANIFEST, self.artifact(item, artifact_type)?)
        } else if let Some(value) = &item.json {
            (media_type::MANIFEST, self.expanded(value)?.to_string().into_bytes())
        } else if let Some(text) = &item.text {
            (media_type::MANIFEST, self.names.expand(text).into_bytes())
        } else {
            return Err(format!("nothing says what {name} is"));
        };
        let media_type = item.media_type.as_deref().unwrap_or(media_type);
        let repository = item.repository.as_deref().unwrap_or(self.repository);
        let digest = self.registry.manifest(repository, None, media_type, &bytes);
        self.learn(name, &digest, media_type, bytes.len())?;
        Ok(name.clone())
    }

    /// Tags the content with a name.
    pub(super) fn tag(&mut self, tag: &str, name: &str) -> Result<(), String> {
        let digest = self.digest(name)?;
        let (repository, tag) = tag.rsplit_once(':').unwrap_or((self.repository, tag));
        if self.registry.tag(repository, tag, &digest) {
            return Ok(());
        }
        Err(format!("{repository} holds no manifest {name}"))
    }

    fn learn(&mut self, name: &str, digest: &str, media_type: &str, size: usize) -> Result<(), String> {
        self.names.add(digest, name);
        let digest = digest.parse().map_err(shown)?;
        self.known.insert(name.to_owned(), Descriptor::new(media_type, digest, size as u64));
        Ok(())
    }

    fn blob(&mut self, item: &Item, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), String> {
        let repository = item.repository.as_deref().unwrap_or(self.repository);
        let digest = self.registry.blob(repository, bytes);
        self.learn(name, &digest, media_type, bytes.len())
    }

    fn image(&mut self, item: &Item, text: &str) -> Result<Vec<u8>, String> {
        let config = match &item.config {
            Some(text) => text.clone().into_bytes(),
            None => config::bytes(&platform::platform(text)?, item.labels.as_ref(), &item.name)?,
        };
        let docker = item.media_type.as_deref().is_some_and(|own| own.starts_with("application/vnd.docker."));
        let usual = if docker { media_type::DOCKER_CONFIG } else { media_type::CONFIG };
        let name = format!("{}.config", item.name);
        self.blob(item, &name, item.config_media_type.as_deref().unwrap_or(usual), &config)?;
        written(&manifest(item, self.descriptor(&name)?, layer()?))
    }

    fn index(&self, item: &Item, entries: &[Entry]) -> Result<Vec<u8>, String> {
        let index = Index {
            media_type: item.media_type.clone().unwrap_or_else(|| media_type::INDEX.to_owned()),
            manifests: Vec::new(),
            artifact_type: None,
            subject: None,
            annotations: item.annotations.clone().unwrap_or_default().into_iter().collect(),
            unverifiable: Vec::new(),
        };
        let mut index = Object::of(&index).map_err(shown)?;
        // An entry may be one that no descriptor can express.
        let mut manifests = List::new();
        for entry in entries {
            manifests.push(&self.entry(entry)?).map_err(shown)?;
        }
        index.set("manifests", &manifests).map_err(shown)?;
        Ok(index.into_bytes())
    }

    fn entry(&self, entry: &Entry) -> Result<Object, String> {
        let long = match entry {
            Entry::Long(long) => long.clone(),
            Entry::Short(text) => {
                let (of, platform) = match text.split_once(' ') {
                    Some((of, platform)) => (of, Some(platform.to_owned())),
                    None => (text.as_str(), None),
                };
                let (about, annotations, media_type, digest, size) = (None, None, None, None, None);
                Long { of: of.to_owned(), platform, about, annotations, media_type, digest, size }
            }
        };
        let mut entry = self.descriptor(&long.of)?;
        entry.platform = long.platform.as_deref().map(platform::platform).transpose()?.as_ref().map(platform::document);
        let mut annotations = long.annotations.unwrap_or_default();
        if let Some(about) = &long.about {
            annotations.insert(descriptor::REFERENCE_TYPE.to_owned(), "attestation-manifest".to_owned());
            annotations.insert(descriptor::REFERENCE_DIGEST.to_owned(), self.digest(about)?);
        }
        entry.annotations = annotations.into_iter().collect();
        let mut entry = Object::of(&entry).map_err(shown)?;
        for (name, value) in [("mediaType", &long.media_type), ("digest", &long.digest)] {
            if let Some(value) = value {
                entry.set(name, value).map_err(shown)?;
            }
        }
        if let Some(size) = &long.size {
            entry.set("size", size).map_err(shown)?;
        }
        Ok(entry)
    }

    fn artifact(&self, item: &Item, artifact_type: &str) -> Result<Vec<u8>, String> {
        let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".parse();
        let empty = Descriptor::new("application/vnd.oci.empty.v1+json", empty.map_err(shown)?, 2);
        let mut manifest = manifest(item, empty.clone(), empty);
        manifest.artifact_type = Some(artifact_type.to_owned());
        manifest.subject = item.subject.as_deref().map(|subject| self.descriptor(subject)).transpose()?;
        if item.annotations.is_none() {
            // Without it two artifacts of one type without a subject would be the same content.
            manifest.annotations.push(("name".to_owned(), item.name.clone()));
        }
        written(&manifest)
    }

    fn expanded(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Array(list) => Value::Array(list.iter().map(|item| self.expanded(item)).collect::<Result<_, _>>()?),
            Value::Object(object) => {
                let mut expanded = match object.get("$") {
                    Some(name) => {
                        let descriptor = self.descriptor(name.as_str().unwrap_or_default())?;
                        serde_json::from_slice(&written(&descriptor)?).map_err(shown)?
                    }
                    None => Map::new(),
                };
                for (name, value) in object.iter().filter(|(name, _)| *name != "$") {
                    expanded.insert(name.clone(), self.expanded(value)?);
                }
                Value::Object(expanded)
            }
            other => other.clone(),
        })
    }

    fn digest(&self, name: &str) -> Result<String, String> {
        self.names.digest(name).map(str::to_owned).ok_or_else(|| format!("nothing is called {name} so far"))
    }

    fn descriptor(&self, name: &str) -> Result<Descriptor, String> {
        self.known.get(name).cloned().ok_or_else(|| format!("nothing is called {name} so far"))
    }
}

/// Returns a manifest with one layer.
fn manifest(item: &Item, config: Descriptor, layer: Descriptor) -> Manifest {
    Manifest {
        media_type: item.media_type.clone().unwrap_or_else(|| media_type::MANIFEST.to_owned()),
        config,
        layers: vec![layer],
        artifact_type: None,
        subject: None,
        annotations: item.annotations.clone().unwrap_or_default().into_iter().collect(),
        unverifiable: Vec::new(),
    }
}

/// Returns a layer that no test reads.
fn layer() -> Result<Descriptor, String> {
    let digest = format!("sha256:{}", "0".repeat(64)).parse().map_err(shown)?;
    Ok(Descriptor::new(LAYER, digest, 32))
}

fn written(document: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(document).map_err(shown)
}

fn shown(error: impl std::fmt::Display) -> String {
    error.to_string()
}
