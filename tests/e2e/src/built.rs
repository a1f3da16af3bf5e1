//! The result of a build.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use refkit_oci::Digest;
use refkit_support::{RealRegistry, digest, plain};
use serde_json::Value;

use crate::filesystem::Files;

/// The annotation with the digest of the image that an attestation manifest is about.
const ABOUT: &str = "vnd.docker.reference.digest";

/// The media types in requests to registries.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Returns the bytes of an entry of `manifests` or `blobs`.
type Get<'a> = &'a dyn Fn(&str, &str) -> anyhow::Result<Vec<u8>>;

/// The result of a build: an image, or an index of several.
#[derive(Debug)]
pub struct Built {
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The images.
    pub images: Vec<BuiltImage>,
}

/// One image of the result.
#[derive(Debug)]
pub struct BuiltImage {
    /// Its platform, as `os/architecture[/variant]`.
    pub platform: String,
    /// The manifest's digest.
    pub digest: Digest,
    /// The config.
    pub config: Value,
    /// The root filesystem.
    pub files: Files,
    /// The predicate of its provenance attestation, if the build requested one.
    pub provenance: Option<Value>,
    /// The predicate of its SBOM attestation, an SPDX document, if the build requested one.
    pub sbom: Option<Value>,
}

/// The types of the predicates that are read.
const PROVENANCE: &str = "https://slsa.dev/provenance/";
const SBOM: &str = "https://spdx.dev/Document";

impl Built {
    /// Reads the only image of a layout directory that BuildKit wrote.
    ///
    /// # Errors
    /// An error if there is none.
    pub fn from_layout(directory: &Path) -> anyhow::Result<Self> {
        let index: Value = serde_json::from_slice(&fs::read(directory.join("index.json"))?)?;
        let root = text(&index, "/manifests/0/digest")?;
        let blobs = directory.join("blobs/sha256");
        Self::read(root, &|_, digest| Ok(fs::read(blobs.join(digest.trim_start_matches("sha256:")))?))
    }

    /// Reads the image or index under a tag of a registry.
    ///
    /// # Errors
    /// An error if the registry does not have it.
    pub fn from_registry(registry: &RealRegistry, repository: &str, tag: &str) -> anyhow::Result<Self> {
        let get = get(registry, repository)?;
        Self::read(digest(&get("manifests", tag)?).as_str(), &get)
    }

    /// Returns the digest of a tag at a registry.
    ///
    /// # Errors
    /// An error if the registry does not have it.
    pub fn root(registry: &RealRegistry, repository: &str, tag: &str) -> anyhow::Result<Digest> {
        Ok(digest(&get(registry, repository)?("manifests", tag)?))
    }

    /// Returns the only image.
    ///
    /// # Errors
    /// An error if there are several, or none.
    pub fn only(&self) -> anyhow::Result<&BuiltImage> {
        match &self.images[..] {
            [image] => Ok(image),
            several => bail!("{} images instead of one", several.len()),
        }
    }

    /// Returns the image of a platform.
    ///
    /// # Errors
    /// An error if there is none.
    pub fn image(&self, platform: &str) -> anyhow::Result<&BuiltImage> {
        let found = self.images.iter().find(|image| image.platform == platform);
        found.with_context(|| format!("there is no image of {platform}"))
    }

    fn read(root: &str, get: Get<'_>) -> anyhow::Result<Self> {
        let document = json(&get("manifests", root)?)?;
        let mut built = Self { digest: root.parse()?, images: Vec::new() };
        let Some(entries) = document["manifests"].as_array() else {
            built.images.push(BuiltImage::read(root, &document, get)?);
            return Ok(built);
        };
        for entry in entries {
            let digest = text(entry, "/digest")?;
            let manifest = json(&get("manifests", digest)?)?;
            match entry["annotations"][ABOUT].as_str() {
                // BuildKit lists attestations after their image.
                Some(about) => {
                    let image = built.images.iter_mut().find(|image| image.digest.as_str() == about);
                    let image = image.context("an attestation of no image")?;
                    image.provenance = predicate(&manifest, PROVENANCE, get)?;
                    image.sbom = predicate(&manifest, SBOM, get)?;
                }
                None => built.images.push(BuiltImage::read(digest, &manifest, get)?),
            }
        }
        Ok(built)
    }
}

impl BuiltImage {
    /// Returns a file's content as text.
    ///
    /// # Errors
    /// As [`Files::text`].
    pub fn text(&self, path: &str) -> anyhow::Result<&str> {
        self.files.text(path)
    }

    /// Returns a variable of the config's environment.
    pub fn env(&self, name: &str) -> Option<&str> {
        let variables = self.config["config"]["Env"].as_array()?.iter().filter_map(Value::as_str);
        variables.filter_map(|variable| variable.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Returns the materials of its provenance: package URLs with their digests, in order.
    ///
    /// # Errors
    /// An error if it has no provenance.
    pub fn materials(&self) -> anyhow::Result<Vec<(String, String)>> {
        let predicate = self.provenance.as_ref().context("there is no provenance")?;
        let places = ["/buildDefinition/resolvedDependencies", "/materials"];
        let listed = places.iter().find_map(|place| predicate.pointer(place)?.as_array());
        let materials = listed.map(Vec::as_slice).unwrap_or_default().iter();
        let mut materials: Vec<_> = materials
            .map(|material| {
                let digest = material["digest"].as_object().and_then(|digests| digests.iter().next());
                let (algorithm, hex) = digest.context("a material without a digest")?;
                let hex = hex.as_str().unwrap_or_default();
                Ok((text(material, "/uri")?.to_owned(), format!("{algorithm}:{hex}")))
            })
            .collect::<anyhow::Result<_>>()?;
        materials.sort();
        Ok(materials)
    }

    fn read(digest: &str, manifest: &Value, get: Get<'_>) -> anyhow::Result<Self> {
        let config = json(&get("blobs", text(manifest, "/config/digest")?)?)?;
        let mut files = Files::default();
        for layer in manifest["layers"].as_array().context("a manifest without layers")? {
            files.apply(text(layer, "/mediaType")?, &get("blobs", text(layer, "/digest")?)?)?;
        }
        let mut platform = format!("{}/{}", text(&config, "/os")?, text(&config, "/architecture")?);
        if let Some(variant) = config["variant"].as_str() {
            platform.push_str(&format!("/{variant}"));
        }
        Ok(Self { platform, digest: digest.parse()?, config, files, provenance: None, sbom: None })
    }
}

/// Returns a function that reads a repository of a registry.
fn get<'a>(
    registry: &'a RealRegistry,
    repository: &'a str,
) -> anyhow::Result<impl Fn(&str, &str) -> anyhow::Result<Vec<u8>> + use<'a>> {
    let authorization = registry.authorization(repository, "pull")?;
    Ok(move |kind: &str, name: &str| {
        let mut headers = vec![("Accept", ACCEPT)];
        headers.extend(authorization.as_deref().map(|value| ("Authorization", value)));
        let reply = plain::get(registry.host(), &format!("/v2/{repository}/{kind}/{name}"), &headers)?;
        ensure!(reply.status == 200, "{repository}/{kind}/{name}: {} {}", reply.status, reply.text());
        Ok(reply.body)
    })
}

/// Returns the predicate of the first statement of a type.
fn predicate(manifest: &Value, kind: &str, get: Get<'_>) -> anyhow::Result<Option<Value>> {
    for layer in manifest["layers"].as_array().context("an attestation without layers")? {
        let mut statement = json(&get("blobs", text(layer, "/digest")?)?)?;
        if text(&statement, "/predicateType")?.starts_with(kind) {
            return Ok(Some(statement["predicate"].take()));
        }
    }
    Ok(None)
}

fn json(bytes: &[u8]) -> anyhow::Result<Value> {
    serde_json::from_slice(bytes).context("not JSON")
}

fn text<'a>(value: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("there is no text at {pointer}: {value}"))
}
