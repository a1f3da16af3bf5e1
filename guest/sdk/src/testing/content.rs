//! What a table says a registry holds: images and indexes in short, anything else as JSON or text.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::platform;
use super::{Names, Registry};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// One content. Exactly one of `image`, `index`, `artifact`, `json`, `text` and `blob` says what it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    /// What stands for its digest. The config of an image NAME is called NAME.config.
    name: String,
    /// The repository it is in; the table's own where none is given.
    repository: Option<String>,
    /// What it is served as, and what its `mediaType` says where it has one.
    media_type: Option<String>,
    /// An image: the platform that its config tells.
    image: Option<String>,
    /// The labels of the image's config.
    labels: Option<Map<String, Value>>,
    /// The media type of the image's config.
    config_media_type: Option<String>,
    /// The bytes of the image's config, as text.
    config: Option<String>,
    /// An index: its entries.
    index: Option<Vec<Entry>>,
    /// A manifest that is no image: its artifact type.
    artifact: Option<String>,
    /// What an artifact is about, by name.
    subject: Option<String>,
    /// The annotations of an image, index or artifact.
    annotations: Option<Map<String, Value>>,
    /// A manifest as JSON. An object with the member `$` stands for the descriptor of the content of that name; its
    /// other members are added to the descriptor or take the place of its own.
    json: Option<Value>,
    /// A manifest as text, byte for byte, `$name` standing for a digest.
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
    /// Its platform, word for word.
    platform: Option<String>,
    /// The name of the manifest that it attests: the two annotations that BuildKit writes.
    about: Option<String>,
    annotations: Option<Map<String, Value>>,
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<Value>,
}

/// Builds contents one after the other: each may name those before it.
pub(super) struct Builder<'a> {
    pub(super) registry: &'a mut Registry,
    pub(super) names: &'a mut Names,
    /// Where contents are put that do not say where.
    pub(super) repository: &'a str,
    /// Of each content its name, media type and size.
    known: Vec<(String, String, usize)>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(registry: &'a mut Registry, names: &'a mut Names, repository: &'a str) -> Self {
        Self { registry, names, repository, known: Vec::new() }
    }

    /// Puts a content into the registry, and returns its name.
    pub(super) fn add(&mut self, item: &Item) -> Result<String, String> {
        let name = &item.name;
        if let Some(text) = &item.blob {
            self.blob(item, name, "application/octet-stream", text);
            return Ok(name.clone());
        }
        let (media_type, bytes) = if let Some(text) = &item.image {
            self.image(item, text)?
        } else if let Some(entries) = &item.index {
            (INDEX, self.index(item, entries)?)
        } else if let Some(artifact_type) = &item.artifact {
            (MANIFEST, self.artifact(item, artifact_type)?)
        } else if let Some(value) = &item.json {
            (MANIFEST, self.expanded(value)?.to_string())
        } else if let Some(text) = &item.text {
            (MANIFEST, self.names.expand(text))
        } else {
            return Err(format!("nothing says what {name} is"));
        };
        let media_type = item.media_type.as_deref().unwrap_or(media_type);
        let repository = item.repository.as_deref().unwrap_or(self.repository);
        let digest = self.registry.manifest(repository, None, media_type, bytes.as_bytes());
        self.learn(name, &digest, media_type, bytes.len());
        Ok(name.clone())
    }

    /// Gives a tag to the content of a name.
    pub(super) fn tag(&mut self, tag: &str, name: &str) -> Result<(), String> {
        let digest = self.digest(name)?;
        let (repository, tag) = tag.rsplit_once(':').unwrap_or((self.repository, tag));
        if self.registry.tag(repository, tag, &digest) {
            return Ok(());
        }
        Err(format!("{repository} holds no manifest {name}"))
    }

    fn learn(&mut self, name: &str, digest: &str, media_type: &str, size: usize) {
        self.names.add(digest, name);
        self.known.push((name.to_owned(), media_type.to_owned(), size));
    }

    fn blob(&mut self, item: &Item, name: &str, media_type: &str, text: &str) {
        let repository = item.repository.as_deref().unwrap_or(self.repository);
        let digest = self.registry.blob(repository, text.as_bytes());
        self.learn(name, &digest, media_type, text.len());
    }

    fn image(&mut self, item: &Item, text: &str) -> Result<(&'static str, String), String> {
        let mut config = platform::json(&platform::platform(text)?);
        config.insert("config".into(), json!({ "Labels": item.labels }));
        config.insert("rootfs".into(), json!({ "type": "layers", "diff_ids": [] }));
        config.insert("author".into(), item.name.clone().into());
        let config = item.config.clone().unwrap_or_else(|| Value::Object(config).to_string());
        let docker = item.media_type.as_deref().is_some_and(|own| own.starts_with("application/vnd.docker."));
        let usual = if docker { "application/vnd.docker.container.image.v1+json" } else { CONFIG };
        let config_media_type = item.config_media_type.as_deref().unwrap_or(usual);
        let name = format!("{}.config", item.name);
        self.blob(item, &name, config_media_type, &config);
        let mut manifest = self.document(item, MANIFEST);
        manifest.insert("config".into(), self.descriptor(&name)?.into());
        manifest.insert("layers".into(), json!([layer()]));
        Ok((MANIFEST, Value::Object(manifest).to_string()))
    }

    fn index(&self, item: &Item, entries: &[Entry]) -> Result<String, String> {
        let entries: Vec<_> = entries.iter().map(|entry| self.entry(entry)).collect::<Result<_, _>>()?;
        let mut index = self.document(item, INDEX);
        index.insert("manifests".into(), entries.into());
        Ok(Value::Object(index).to_string())
    }

    fn entry(&self, entry: &Entry) -> Result<Value, String> {
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
        let mut descriptor = self.descriptor(&long.of)?;
        if let Some(text) = &long.platform {
            descriptor.insert("platform".into(), platform::json(&platform::platform(text)?).into());
        }
        let mut annotations = long.annotations.clone().unwrap_or_default();
        if let Some(about) = &long.about {
            annotations.insert("vnd.docker.reference.type".into(), "attestation-manifest".into());
            annotations.insert("vnd.docker.reference.digest".into(), self.digest(about)?.into());
        }
        if !annotations.is_empty() {
            descriptor.insert("annotations".into(), annotations.into());
        }
        for (name, value) in [("mediaType", &long.media_type), ("digest", &long.digest)] {
            if let Some(value) = value {
                descriptor.insert(name.into(), value.clone().into());
            }
        }
        if let Some(size) = long.size {
            descriptor.insert("size".into(), size);
        }
        Ok(descriptor.into())
    }

    fn artifact(&self, item: &Item, artifact_type: &str) -> Result<String, String> {
        let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let empty = json!({ "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 });
        let mut manifest = self.document(item, MANIFEST);
        manifest.insert("artifactType".into(), artifact_type.into());
        manifest.insert("config".into(), empty.clone());
        manifest.insert("layers".into(), json!([empty]));
        if let Some(subject) = &item.subject {
            manifest.insert("subject".into(), self.descriptor(subject)?.into());
        }
        // Without it two artifacts of one type about nothing would be the same content.
        manifest.entry("annotations").or_insert_with(|| json!({ "name": item.name }));
        Ok(Value::Object(manifest).to_string())
    }

    fn document(&self, item: &Item, usual: &str) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("schemaVersion".into(), 2.into());
        document.insert("mediaType".into(), item.media_type.as_deref().unwrap_or(usual).into());
        if let Some(annotations) = &item.annotations {
            document.insert("annotations".into(), annotations.clone().into());
        }
        document
    }

    fn expanded(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::Array(list) => Value::Array(list.iter().map(|item| self.expanded(item)).collect::<Result<_, _>>()?),
            Value::Object(object) => {
                let mut expanded = match object.get("$") {
                    Some(name) => self.descriptor(name.as_str().unwrap_or_default())?,
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

    fn descriptor(&self, name: &str) -> Result<Map<String, Value>, String> {
        let digest = self.digest(name)?;
        let known = self.known.iter().find(|(known, ..)| known == name);
        let (_, media_type, size) = known.ok_or_else(|| format!("nothing is called {name} so far"))?;
        let mut descriptor = Map::new();
        descriptor.insert("mediaType".into(), media_type.clone().into());
        descriptor.insert("digest".into(), digest.into());
        descriptor.insert("size".into(), (*size).into());
        Ok(descriptor)
    }
}

/// A layer that no test reads.
fn layer() -> Value {
    json!({ "mediaType": LAYER, "digest": format!("sha256:{}", "0".repeat(64)), "size": 32 })
}
