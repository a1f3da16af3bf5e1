//! An image as a tree of text.

use std::collections::{HashMap, HashSet};

use refkit::{Absence, Image, Refused};
use refkit_oci::document::{self, media_type};
use refkit_oci::{Descriptor, Digest};

use crate::manifests::{Manifest, Manifests};
use crate::units::Bytes;
use crate::{Escaped, Tree, table};

/// An image as a tree: its index, its manifests, their layers and attestations.
pub struct ImageTree<'a> {
    /// The index or manifest that the reference names.
    pub root: &'a Descriptor,
    /// The images and absences of the answer.
    pub images: &'a [Result<Image<Descriptor>, Absence>],
    /// An index that the run has read.
    pub index: &'a dyn Fn(&Descriptor) -> Option<&'a document::Index>,
    /// The manifests of the images.
    pub manifests: &'a Manifests,
    /// The images that policies denied.
    pub refused: &'a [Refused],
    /// Whether the tree has the layers.
    pub layers: bool,
}

/// The word before an annotation: the document that has it.
const OF_INDEX: &str = "index";
const OF_ENTRY: &str = "entry";
const OF_MANIFEST: &str = "manifest";

impl<'a> ImageTree<'a> {
    /// Returns the lines, escaped: four facts, an empty line, the tree.
    pub fn lines(&self, reference: String) -> Vec<String> {
        let facts = [
            ["reference".to_owned(), reference],
            ["digest".to_owned(), self.root.digest.to_string()],
            ["media type".to_owned(), self.root.media_type.clone()],
            ["size".to_owned(), Bytes(self.root.size).to_string()],
        ];
        let mut lines = table(&facts);
        lines.push(String::new());
        lines.extend(self.tree().lines());
        lines.iter().map(|line| Escaped(line).to_string()).collect()
    }

    fn tree(&self) -> Tree {
        match (self.index)(self.root) {
            Some(index) => {
                let mut tree = Tree::new("index");
                let mut drawing = Drawing {
                    drawn: HashSet::from([&self.root.digest]),
                    answer: AnswerOf::new(self.images, self.refused),
                };
                self.entries(index, &mut tree, &mut drawing);
                tree
            }
            None => match self.images.iter().flatten().next() {
                Some(image) => self.image(image, false),
                None => Tree::new("manifest"),
            },
        }
    }

    /// Adds the entries of an index. A nested index is expanded once: an index of a few bytes could expand to millions
    /// of lines.
    fn entries(&self, index: &'a document::Index, tree: &mut Tree, drawing: &mut Drawing<'a>) {
        annotations(tree, OF_INDEX, &index.annotations);
        // An entry that cannot be verified is not part of the answer, or its place has failed.
        let mut passed =
            index.entries().filter(|entry| matches!(entry, document::Entry::Unverifiable(_))).count() as u64;
        for entry in &index.manifests {
            let answer = &drawing.answer;
            if media_type::is_index(&entry.media_type) {
                match (self.index)(entry).filter(|_| answer.parents.contains(&entry.digest)) {
                    Some(nested) => tree.add(self.nested(entry, nested, drawing)),
                    None => passed += 1,
                }
            } else if let Some(image) = answer.images.get(&entry.digest) {
                let mut image = Image::clone(image);
                image.manifest = entry.clone();
                tree.add(self.image(&image, true));
            } else if let Some(policy) = answer.refused.get(&entry.digest) {
                tree.add(Tree::new(format!("{}  {}  denied by {policy}", platform(entry), entry.digest)));
            } else if !answer.attestations.contains(&entry.digest) {
                passed += 1;
            }
        }
        if passed > 0 {
            let what = if passed == 1 { "entry that is" } else { "entries that are" };
            tree.add(Tree::new(format!("{passed} more {what} not part of the answer")));
        }
    }

    fn nested(&self, entry: &'a Descriptor, index: &'a document::Index, drawing: &mut Drawing<'a>) -> Tree {
        let mut tree = Tree::new(format!("index  {}  {}", entry.digest, Bytes(entry.size)));
        annotations(&mut tree, OF_ENTRY, &entry.annotations);
        if drawing.drawn.insert(&entry.digest) {
            self.entries(index, &mut tree, drawing);
        } else {
            tree.add(Tree::new("as above"));
        }
        tree
    }

    fn image(&self, image: &Image<Descriptor>, listed: bool) -> Tree {
        let descriptor = &image.manifest;
        let manifest = self.manifests.get(&descriptor.digest).and_then(|read| read.as_ref().ok());
        let name = image.platform.as_ref().map_or_else(|| kind(descriptor, manifest), ToString::to_string);
        let size = match manifest {
            Some(Manifest { size, layers, .. }) => {
                let plural = if layers.len() == 1 { "" } else { "s" };
                format!("{}  {} layer{plural}", Bytes(*size), layers.len())
            }
            None => "not read".to_owned(),
        };
        let mut tree = Tree::new(format!("{name}  {}  {size}", descriptor.digest));
        if listed {
            annotations(&mut tree, OF_ENTRY, &descriptor.annotations);
        }
        if let Some(Manifest { layers, annotations: own, .. }) = manifest {
            annotations(&mut tree, OF_MANIFEST, own);
            for layer in layers.iter().filter(|_| self.layers) {
                let mut node =
                    Tree::new(format!("layer  {}  {}  {}", layer.digest, Bytes(layer.size), layer.media_type));
                annotations(&mut node, OF_ENTRY, &layer.annotations);
                tree.add(node);
            }
        }
        for attestation in &image.attestations {
            tree.add(self.attestation(attestation));
        }
        tree
    }

    fn attestation(&self, descriptor: &Descriptor) -> Tree {
        let size = Bytes(descriptor.size);
        match &descriptor.artifact_type {
            Some(artifact) => Tree::new(format!("attestation  {}  {size}  {artifact}", descriptor.digest)),
            None => Tree::new(format!("attestation  {}  {size}", descriptor.digest)),
        }
    }
}

/// The indexes that were expanded, and the answer.
struct Drawing<'a> {
    drawn: HashSet<&'a Digest>,
    answer: AnswerOf<'a>,
}

/// The parts of an answer by digest.
struct AnswerOf<'a> {
    images: HashMap<&'a Digest, &'a Image<Descriptor>>,
    parents: HashSet<&'a Digest>,
    attestations: HashSet<&'a Digest>,
    /// The policy that denied an image.
    refused: HashMap<&'a Digest, &'a str>,
}

impl<'a> AnswerOf<'a> {
    fn new(places: &'a [Result<Image<Descriptor>, Absence>], refused: &'a [Refused]) -> Self {
        let found = || places.iter().flatten();
        let mut images = HashMap::new();
        for image in found() {
            images.entry(&image.manifest.digest).or_insert(image);
        }
        let mut policies = HashMap::new();
        for Refused { policy, manifest, .. } in refused {
            if let Some(manifest) = manifest {
                policies.entry(manifest).or_insert(policy.as_str());
            }
        }
        Self {
            images,
            parents: found().flat_map(|image| &image.parents).map(|parent| &parent.digest).collect(),
            attestations: found().flat_map(|image| &image.attestations).map(|one| &one.digest).collect(),
            refused: policies,
        }
    }
}

fn annotations(tree: &mut Tree, of: &str, annotations: &[(String, String)]) {
    for (key, value) in annotations {
        tree.line(format!("{of}: {key} = {value}"));
    }
}

fn platform(entry: &Descriptor) -> String {
    entry.platform.clone().map_or_else(|| "unknown platform".to_owned(), |platform| platform.normalized().to_string())
}

/// Returns the name of a manifest without a platform: the type of an artifact.
fn kind(descriptor: &Descriptor, manifest: Option<&Manifest>) -> String {
    let artifact = descriptor.artifact_type.clone();
    let config = || manifest.map(|manifest| manifest.config.media_type.clone());
    match artifact.or_else(|| config().filter(|config| !media_type::is_config(config))) {
        Some(artifact) => format!("artifact {artifact}"),
        None => "unknown platform".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use refkit::{Denial, ErrorCode, Failure};
    use refkit_oci::document::Document;
    use serde_json::{Value, json};

    use super::*;

    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

    fn digest(number: u8) -> Digest {
        format!("sha256:{number:064x}").parse().unwrap()
    }

    fn descriptor(media_type: &str, number: u8) -> Descriptor {
        Descriptor::new(media_type, digest(number), 400)
    }

    fn entry(media_type: &str, number: u8, platform: &str, annotations: Value) -> Value {
        let mut entry = json!({
            "mediaType": media_type, "digest": digest(number).as_str(), "size": 400, "annotations": annotations,
        });
        if let Some((os, architecture)) = platform.split_once('/') {
            entry["platform"] = json!({ "os": os, "architecture": architecture });
        }
        entry
    }

    fn index(entries: &[Value]) -> document::Index {
        let text = json!({
            "schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": { "title": "demo" },
        });
        match document::read(Some(INDEX), text.to_string().as_bytes(), &document::Limits::default()).unwrap() {
            Document::Index(index) => index,
            Document::Manifest(_) => panic!("it is an index"),
        }
    }

    fn image(number: u8, platform: &str, parents: &[u8], attestations: &[u8]) -> Image<Descriptor> {
        Image {
            platform: platform.parse().ok(),
            parents: parents.iter().map(|&number| descriptor(INDEX, number)).collect(),
            manifest: descriptor(MANIFEST, number),
            config: None,
            attestations: attestations.iter().map(|&number| descriptor(MANIFEST, number)).collect(),
        }
    }

    fn manifest() -> Manifest {
        let mut layer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip", 90);
        layer.annotations.push(("of".to_owned(), "layer".to_owned()));
        Manifest {
            size: 3_400_000,
            platform: None,
            config: descriptor(CONFIG, 91),
            layers: vec![layer],
            annotations: vec![("base".to_owned(), "two\nlines".to_owned())],
        }
    }

    fn lines(tree: &ImageTree<'_>) -> Vec<String> {
        let lines = tree.lines("registry/app:1".to_owned());
        let short = |line: &String| {
            let digest = (0..100).map(digest).find(|digest| line.contains(digest.as_str()));
            digest.map_or(line.clone(), |digest| line.replace(digest.as_str(), &digest.as_str()[69..]))
        };
        lines.iter().map(short).collect()
    }

    #[test]
    fn an_index_has_its_images_layers_and_attestations() {
        let nested = index(&[entry(MANIFEST, 5, "windows/amd64", json!({}))]);
        let root = index(&[
            entry(MANIFEST, 1, "linux/amd64", json!({ "tier": "one" })),
            entry(MANIFEST, 2, "linux/arm64", json!({})),
            entry(MANIFEST, 3, "unknown/unknown", json!({ "vnd.docker.reference.digest": digest(1).as_str() })),
            entry(INDEX, 4, "", json!({ "tier": "two" })),
            entry(INDEX, 4, "", json!({})),
            entry("text/plain", 6, "", json!({})),
            entry(MANIFEST, 7, "linux/s390x", json!({})),
        ]);
        let denial = Denial::new("r", "m", Some(digest(2)));
        let denials = vec![denial];
        let mut refused = [Refused::new(1, "label", denials.clone())];
        refused[0].manifest = Some(digest(2));
        let images = [
            Ok(image(1, "linux/amd64", &[], &[3])),
            Err(Absence::Denied(denials)),
            Ok(image(5, "windows/amd64", &[4], &[])),
        ];
        let unread = Failure::new(ErrorCode::Other, "m");
        let manifests = Manifests::from([(digest(1), Ok(manifest())), (digest(5), Err(unread))]);
        let (root, nested) = (&root, &nested);
        let read = |descriptor: &Descriptor| match &descriptor.digest {
            of if *of == digest(0) => Some(root),
            of if *of == digest(4) => Some(nested),
            _ => None,
        };
        let of = descriptor(INDEX, 0);
        let (index, manifests) = (&read, &manifests);
        let mut tree = ImageTree { root: &of, images: &images, index, manifests, refused: &refused, layers: true };
        let wanted = [
            "reference   registry/app:1",
            "digest      00",
            "media type  application/vnd.oci.image.index.v1+json",
            "size        400 B",
            "",
            "index",
            "│  index: title = demo",
            "├─ linux/amd64  01  3.4 MB  1 layer",
            "│  │  entry: tier = one",
            "│  │  manifest: base = two\\nlines",
            "│  ├─ layer  5a  400 B  application/vnd.oci.image.layer.v1.tar+gzip",
            "│  │     entry: of = layer",
            "│  └─ attestation  03  400 B",
            "├─ linux/arm64  02  denied by label",
            "├─ index  04  400 B",
            "│  │  entry: tier = two",
            "│  │  index: title = demo",
            "│  └─ windows/amd64  05  not read",
            "├─ index  04  400 B",
            "│  └─ as above",
            "└─ 2 more entries that are not part of the answer",
        ];
        assert_eq!(lines(&tree), wanted);
        tree.layers = false;
        assert!(!lines(&tree).iter().any(|line| line.contains("layer  ")));
    }

    #[test]
    fn a_manifest_has_its_platform_or_type() {
        let of = descriptor(MANIFEST, 1);
        let artifact = Manifest { config: descriptor("application/vnd.oci.empty.v1+json", 9), ..manifest() };
        // platform, manifest, the first line of the tree
        let rows = [
            ("linux/arm64", manifest(), "linux/arm64  01  3.4 MB  1 layer"),
            ("", manifest(), "unknown platform  01  3.4 MB  1 layer"),
            ("", artifact, "artifact application/vnd.oci.empty.v1+json  01  3.4 MB  1 layer"),
        ];
        for (platform, manifest, first) in rows {
            let images = [Ok(image(1, platform, &[], &[]))];
            let manifests = Manifests::from([(digest(1), Ok(manifest))]);
            let index = |_: &Descriptor| None;
            let (index, manifests) = (&index, &manifests);
            let tree = ImageTree { root: &of, images: &images, index, manifests, refused: &[], layers: false };
            assert_eq!(lines(&tree)[5..], [first, "   manifest: base = two\\nlines"][..]);
        }
    }
}
