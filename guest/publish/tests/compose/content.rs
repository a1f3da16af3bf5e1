//! Images and indexes to compose, and what became of them in short.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Content, Descriptor, Digest, Platform};
use refkit_publish::compose::{Compose, ComposeError, Composed, Source};
use refkit_support::image::Image;
use serde_json::{Value, json};

/// What is composed, and how.
#[derive(Default)]
pub struct Question {
    /// The sources, as a registry or a user states them.
    pub sources: Vec<Content>,
    /// The configs of images.
    pub blobs: Vec<Bytes>,
    /// The manifests of images.
    pub manifests: Vec<Bytes>,
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
        let manifests = images.iter().map(|image| image.bytes.clone()).collect();
        Self { sources, blobs, manifests, prefer_index: true, ..Self::default() }
    }

    /// Returns whether a platform is wanted of a source with an index in it, which buildx keeps whatever it is for.
    pub fn opens(&self) -> bool {
        let nested = |content: &Content| Source::new(content.clone()).is_ok_and(|source| source.nested().is_some());
        !self.platforms.is_empty() && self.sources.iter().any(nested)
    }

    /// Asks RefKit.
    pub fn own(&self) -> anyhow::Result<Composed> {
        let platforms: Vec<Platform> = self.platforms.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let annotations: Vec<_> = self.annotations.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let compose =
            Compose::new().prefer_index(self.prefer_index).oci(self.oci).sparse(self.sparse).unwrap(self.unwrap);
        let sources: Vec<Source> =
            self.sources.iter().map(|content| self.source(content)).collect::<Result<_, ComposeError>>()?;
        let plan = compose.platforms(platforms).annotations(annotations).plan(sources)?;
        let manifest = |digest: &Digest| self.manifests.iter().find(|bytes| sha256(bytes) == *digest).cloned();
        let wanted = plan.manifests().map(|one| &one.descriptor.digest);
        let manifests = wanted.filter_map(|digest| Some((digest.clone(), manifest(digest)?))).collect();
        let mut referrers: std::collections::HashMap<_, Vec<Descriptor>> = Default::default();
        for (subject, referrer) in &self.referrers {
            if plan.asks().iter().any(|ask| ask.subject == *subject) {
                referrers.entry(subject.clone()).or_default().push(referrer.descriptor.clone());
            }
        }
        Ok(plan.finish(&referrers, &manifests)?)
    }

    fn source(&self, content: &Content) -> Result<Source, ComposeError> {
        let source = Source::new(content.clone())?;
        let wanted = source.config().map(|config| config.digest.clone());
        let bytes = self.blobs.iter().find(|bytes| Some(sha256(bytes)) == wanted);
        let mut source = bytes.map(|bytes| source.clone().with_config(bytes.clone())).unwrap_or(source);
        while let Some(nested) = source.nested().filter(|_| !self.platforms.is_empty()).cloned() {
            source = match self.manifests.iter().find(|bytes| sha256(bytes) == nested.digest) {
                Some(bytes) => source.with_nested(&nested, bytes)?,
                None => source.without_nested(&nested),
            };
        }
        Ok(source)
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

/// What composed documents are called.
struct Names<'a> {
    composed: &'a Composed,
    known: &'a BTreeMap<Digest, &'static str>,
}

/// Returns a composition in short: `same N` for source N as it is, `sparse with` what is copied of it, `manifest` without an
/// index, or `oci` or `docker`, the entries and the annotations. A manifest that is written anew has the old one's name with
/// a plus, and its annotations.
pub fn shown(question: &Question, composed: &Composed, known: &BTreeMap<Digest, &'static str>) -> String {
    let (names, Content { descriptor, bytes }) = (Names { composed, known }, &composed.content);
    let place = question.sources.iter().position(|source| source.bytes == bytes);
    if composed.sparse {
        let needed: Vec<_> = composed.needed.iter().map(|one| names.name(&one.descriptor.digest)).collect();
        return format!("{} with {}", if place.is_some() { "sparse" } else { "new" }, needed.join(", "));
    }
    if let Some(place) = place {
        return format!("same {place}");
    }
    let Ok(Document::Index(index)) = document::read(None, bytes, &Limits::default()) else {
        return format!("manifest {}", names.shown(&descriptor.digest));
    };
    let kind = if descriptor.media_type.contains("docker") { "docker" } else { "oci" };
    let entries: Vec<String> = index.manifests.iter().map(|entry| names.entry(entry)).collect();
    format!("{kind}: {}{}", entries.join(", "), names.pairs(&index.annotations))
}

impl Names<'_> {
    fn find(&self, digest: &Digest) -> Option<String> {
        let old = self.composed.rewritten.iter().find(|one| one.content.descriptor.digest == *digest);
        match old {
            Some(one) => self.find(&one.of).map(|name| format!("{name}+")),
            None => self.known.get(digest).map(|name| (*name).to_owned()),
        }
    }

    fn name(&self, digest: &Digest) -> String {
        self.find(digest).unwrap_or_else(|| "?".to_owned())
    }

    /// Returns the name of a document, with its annotations where it was written anew.
    fn shown(&self, digest: &Digest) -> String {
        let name = self.name(digest);
        let new = self.composed.rewritten.iter().find(|one| one.content.descriptor.digest == *digest);
        let Some(Content { descriptor, bytes }) = new.map(|one| &one.content) else { return name };
        assert_eq!((digest, bytes.len() as u64), (&sha256(bytes), descriptor.size), "{name}");
        match document::read(Some(&descriptor.media_type), bytes, &Limits::default()) {
            Ok(Document::Manifest(manifest)) => format!("{name}{}", self.pairs(&manifest.annotations).trim()),
            other => panic!("{name}: {other:?}"),
        }
    }

    fn entry(&self, entry: &Descriptor) -> String {
        let platform = match &entry.platform {
            None => String::new(),
            Some(Platform { os, architecture, variant, os_version, .. }) => {
                let variant = variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
                let version = os_version.as_ref().map(|version| format!("({version})")).unwrap_or_default();
                format!(" {os}{version}/{architecture}{variant}")
            }
        };
        format!("{}{platform}{}", self.shown(&entry.digest), self.pairs(&entry.annotations))
    }

    fn pairs(&self, of: &[(String, String)]) -> String {
        let value =
            |text: &String| text.parse().ok().and_then(|digest| self.find(&digest)).unwrap_or_else(|| text.clone());
        let short = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let pairs: Vec<String> = of.iter().map(|(key, text)| format!("{}={}", short(key), value(text))).collect();
        if pairs.is_empty() { String::new() } else { format!(" {{{}}}", pairs.join(" ")) }
    }
}
