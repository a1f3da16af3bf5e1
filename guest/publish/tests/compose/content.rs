//! Images and indexes to compose, and what became of them in short.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Content, Descriptor, Digest, Platform};
use refkit_publish::compose::{Compose, ComposeError, Composed, Plan, Source};
use refkit_support::image::Image;
use serde_json::{Value, json};

/// What is composed, and how.
#[derive(Default)]
pub struct Question {
    /// The sources, as a registry or a user states them.
    pub sources: Vec<Content>,
    /// The configs of images.
    pub blobs: Vec<Bytes>,
    /// Manifests that a registry lists as referrers, and what they are about.
    pub referrers: Vec<(Digest, Content)>,
    pub annotations: Vec<String>,
    pub platforms: Vec<String>,
    pub prefer_index: bool,
    pub oci: bool,
    pub sparse: bool,
    /// Whether one manifest that is left is published itself.
    pub unwrap: bool,
}

impl Question {
    /// Returns the question about sources, with the configs of images.
    pub fn new(sources: Vec<Content>, images: &[&Image]) -> Self {
        let blobs = images.iter().flat_map(|image| image.blobs()).map(|(_, bytes)| bytes.clone()).collect();
        Self { sources, blobs, prefer_index: true, ..Self::default() }
    }

    /// Asks RefKit.
    pub fn own(&self) -> anyhow::Result<Composed> {
        let platforms: Vec<Platform> = self.platforms.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let annotations: Vec<_> = self.annotations.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let compose = Compose::new().prefer_index(self.prefer_index).oci(self.oci).sparse(self.sparse);
        let sources: Vec<Source> =
            self.sources.iter().map(|content| self.source(content)).collect::<Result<_, ComposeError>>()?;
        let plan = compose.platforms(platforms).annotations(annotations).plan(sources)?;
        if let Some(one) = plan.one().filter(|_| self.unwrap) {
            return Ok(Plan::alone(one, Bytes::from(one.descriptor.digest.to_string())));
        }
        let mut referrers: std::collections::HashMap<_, Vec<Descriptor>> = Default::default();
        for (subject, referrer) in &self.referrers {
            if plan.asks().iter().any(|ask| ask.subject == *subject) {
                referrers.entry(subject.clone()).or_default().push(referrer.descriptor.clone());
            }
        }
        Ok(plan.finish(&referrers)?)
    }

    fn source(&self, content: &Content) -> Result<Source, ComposeError> {
        let source = Source::new(content.clone())?;
        let wanted = source.config().map(|config| config.digest.clone());
        let bytes = self.blobs.iter().find(|bytes| Some(sha256(bytes)) == wanted);
        Ok(bytes.map(|bytes| source.clone().with_config(bytes.clone())).unwrap_or(source))
    }

    /// Returns the line that asks buildx.
    pub fn json(&self) -> Value {
        let documents = self.sources.iter().chain(self.referrers.iter().map(|(_, referrer)| referrer));
        let blobs = documents.map(|content| &content.bytes).chain(&self.blobs);
        let descriptors = |of: Vec<&Content>| of.iter().map(|content| json!(content.descriptor)).collect::<Value>();
        json!({
            "sources": descriptors(self.sources.iter().collect()),
            "referrers": descriptors(self.referrers.iter().map(|(_, referrer)| referrer).collect()),
            "blobs": blobs.map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>(),
            "annotations": self.annotations,
            "platforms": self.platforms,
            "preferIndex": self.prefer_index,
        })
    }
}

pub fn sha256(bytes: &[u8]) -> Digest {
    refkit_publish::compose::digest(bytes)
}

/// Returns a document as a registry returns it: with media type, digest and size.
pub fn fetched(image: &Image) -> Content {
    let of = &image.descriptor;
    raw(&of.media_type, image.bytes.clone())
}

/// Returns bytes as a registry returns them.
pub fn raw(media_type: &str, bytes: impl Into<Bytes>) -> Content {
    let bytes = bytes.into();
    Content { descriptor: Descriptor::new(media_type, sha256(&bytes), bytes.len() as u64), bytes }
}

/// Returns a composition in short: `same N` for source N as it is, or `oci` or `docker`, the entries and the annotations.
pub fn shown(question: &Question, composed: &Composed, names: &BTreeMap<Digest, &str>) -> String {
    let descriptor = &composed.content.descriptor;
    if question.unwrap && composed.needed[0].descriptor.digest == descriptor.digest {
        return format!("alone {}", names.get(&descriptor.digest).copied().unwrap_or("?"));
    }
    if composed.sparse {
        let needed: Vec<_> =
            composed.needed.iter().map(|one| names.get(&one.descriptor.digest).copied().unwrap_or("?")).collect();
        let same = question.sources.iter().any(|source| source.bytes == composed.content.bytes);
        return format!("{} with {}", if same { "sparse" } else { "new" }, needed.join(", "));
    }
    if let Some(place) = question.sources.iter().position(|source| source.bytes == composed.content.bytes) {
        return format!("same {place}");
    }
    let bytes = &composed.content.bytes;
    let Ok(Document::Index(index)) = document::read(None, bytes, &Limits::default()) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let kind = if composed.content.descriptor.media_type.contains("docker") { "docker" } else { "oci" };
    let entries: Vec<String> = index.manifests.iter().map(|entry| entry_shown(entry, names)).collect();
    let annotations = pairs(&index.annotations, names);
    format!("{kind}: {}{annotations}", entries.join(", "))
}

fn entry_shown(entry: &Descriptor, names: &BTreeMap<Digest, &str>) -> String {
    let name = names.get(&entry.digest).copied().unwrap_or("?");
    let platform = match &entry.platform {
        None => String::new(),
        Some(Platform { os, architecture, variant, os_version, .. }) => {
            let variant = variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
            let version = os_version.as_ref().map(|version| format!("({version})")).unwrap_or_default();
            format!(" {os}{version}/{architecture}{variant}")
        }
    };
    format!("{name}{platform}{}", pairs(&entry.annotations, names))
}

fn pairs(of: &[(String, String)], names: &BTreeMap<Digest, &str>) -> String {
    let value =
        |value: &str| value.parse().ok().and_then(|digest: Digest| names.get(&digest).copied()).map(str::to_owned);
    let short = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let pairs: Vec<String> = of
        .iter()
        .map(|(key, text)| format!("{}={}", short(key), value(text).unwrap_or_else(|| text.clone())))
        .collect();
    if pairs.is_empty() { String::new() } else { format!(" {{{}}}", pairs.join(" ")) }
}
