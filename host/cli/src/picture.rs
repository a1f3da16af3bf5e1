//! An image as a tree for people.

use std::collections::HashSet;

use refkit::{Absence, Image};
use refkit_oci::document::{self, media_type};
use refkit_oci::{Descriptor, Digest};

use crate::escape::Escaped;
use crate::manifests::{Manifest, Manifests};
use crate::tree::{Tree, table};
use crate::units::Bytes;

/// What there is to draw.
pub struct Picture<'a> {
    /// What the reference names.
    pub root: &'a Descriptor,
    /// The images and absences of the answer.
    pub images: &'a [Result<Image<Descriptor>, Absence>],
    /// An index that the run has read.
    pub index: &'a dyn Fn(&Descriptor) -> Option<document::Index>,
    /// What the manifests say.
    pub manifests: &'a Manifests,
    /// Whether layers are drawn.
    pub layers: bool,
}

/// What stands before an annotation: whose it is.
const OF_INDEX: &str = "index";
const OF_ENTRY: &str = "entry";
const OF_MANIFEST: &str = "manifest";

impl Picture<'_> {
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
                let mut drawn = HashSet::from([self.root.digest.clone()]);
                self.entries(&index, &mut tree, &mut drawn);
                tree
            }
            None => match self.images.iter().flatten().next() {
                Some(image) => self.image(image, false),
                None => Tree::new("manifest"),
            },
        }
    }

    /// Draws what an index says. One that is listed again is not drawn again: an index of a few bytes could stand for
    /// millions of lines.
    fn entries(&self, index: &document::Index, tree: &mut Tree, drawn: &mut HashSet<Digest>) {
        annotations(tree, OF_INDEX, &index.annotations);
        let mut passed = 0_u64;
        for entry in &index.manifests {
            if media_type::is_index(&entry.media_type) {
                match (self.index)(entry).filter(|_| self.leads_to_an_image(entry)) {
                    Some(nested) => tree.add(self.nested(entry, &nested, drawn)),
                    None => passed += 1,
                }
            } else if let Some(image) = self.image_of(entry) {
                let mut image = image.clone();
                image.manifest = entry.clone();
                tree.add(self.image(&image, true));
            } else if self.is_refused(entry) {
                tree.add(Tree::new(format!("{}  {}  denied", platform(entry), entry.digest)));
            } else if !self.is_attestation_here(entry) {
                passed += 1;
            }
        }
        if passed > 0 {
            let what = if passed == 1 { "entry that is" } else { "entries that are" };
            tree.add(Tree::new(format!("{passed} more {what} not part of the answer")));
        }
    }

    fn nested(&self, entry: &Descriptor, index: &document::Index, drawn: &mut HashSet<Digest>) -> Tree {
        let mut tree = Tree::new(format!("index  {}  {}", entry.digest, Bytes(entry.size)));
        annotations(&mut tree, OF_ENTRY, &entry.annotations);
        if drawn.insert(entry.digest.clone()) {
            self.entries(index, &mut tree, drawn);
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
                let mut node = Tree::new(format!("layer  {}  {}  {}", layer.digest, Bytes(layer.size), layer.media_type));
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

    fn image_of(&self, entry: &Descriptor) -> Option<&Image<Descriptor>> {
        self.images.iter().flatten().find(|image| image.manifest.digest == entry.digest)
    }

    fn is_refused(&self, entry: &Descriptor) -> bool {
        let denials = self.images.iter().filter_map(|place| match place {
            Err(Absence::Denied(denials)) => Some(denials),
            _ => None,
        });
        denials.flatten().any(|denial| denial.subject.as_ref() == Some(&entry.digest))
    }

    fn leads_to_an_image(&self, entry: &Descriptor) -> bool {
        let mut parents = self.images.iter().flatten().flat_map(|image| &image.parents);
        parents.any(|parent| parent.digest == entry.digest)
    }

    fn is_attestation_here(&self, entry: &Descriptor) -> bool {
        let mut attestations = self.images.iter().flatten().flat_map(|image| &image.attestations);
        attestations.any(|attestation| attestation.digest == entry.digest)
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

/// What a manifest without a platform is called: an artifact by its type.
fn kind(descriptor: &Descriptor, manifest: Option<&Manifest>) -> String {
    let artifact = descriptor.artifact_type.clone();
    let config = || manifest.map(|manifest| manifest.config.media_type.clone());
    match artifact.or_else(|| config().filter(|config| !media_type::is_config(config))) {
        Some(artifact) => format!("artifact {artifact}"),
        None => "unknown platform".to_owned(),
    }
}
