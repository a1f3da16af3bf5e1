//! Every image of an index and of the indexes in it.

use refkit_policy::oci::document::media_type;
use refkit_policy::oci::document::Index;
use refkit_policy::oci::{self};
use refkit_policy::{Absence, Descriptor, Error, Host};

use crate::documents::{Documents, bare_of};
use crate::select::{image, too_deep};
use crate::{MAX_DEPTH, MAX_IMAGES, Place};

/// A place of the answer, or an index whose images come there; the last of the parents is that index.
enum Node {
    Place(Place),
    Nested(Vec<Descriptor>),
}

/// Returns every image in the order of the index. Entries that are neither manifest nor index are passed over, and so
/// are attestations.
///
/// # Errors
/// When there are more than [`MAX_IMAGES`].
pub(crate) fn walk(documents: &mut Documents<'_, impl Host>) -> Result<Vec<Place>, Error> {
    let mut nodes = vec![Node::Nested(Vec::new())];
    // Every round opens all indexes of one level, and at most `MAX_DEPTH` of them are below the root.
    while nodes.iter().any(|node| matches!(node, Node::Nested(_))) {
        let mut opened = Vec::new();
        for node in nodes {
            match node {
                Node::Nested(parents) => open(documents, &parents, &mut opened),
                place => opened.push(place),
            }
            if opened.len() > MAX_IMAGES {
                let text = "holds more than 4096 images, those of nested indexes included";
                const { assert!(MAX_IMAGES == 4096) };
                return Err(Error::invalid(format_args!("{} {text}", documents.reference)));
            }
        }
        nodes = opened;
        let nested: Vec<&Descriptor> = nodes
            .iter()
            .filter_map(|node| match node {
                Node::Nested(parents) => parents.last(),
                Node::Place(_) => None,
            })
            .collect();
        documents.read(&nested);
    }
    let place = |node| match node {
        Node::Place(place) => Some(place),
        Node::Nested(_) => None,
    };
    Ok(nodes.into_iter().filter_map(place).collect())
}

fn open(documents: &Documents<'_, impl Host>, parents: &[Descriptor], nodes: &mut Vec<Node>) {
    let index: &Index = match documents.index(documents.holder(parents)) {
        Ok(index) => index,
        Err(error) => return nodes.push(Node::Place(Err(Absence::Failed(error)))),
    };
    for entry in &index.manifests {
        if media_type::is_index(&entry.media_type) {
            if parents.len() == MAX_DEPTH {
                nodes.push(Node::Place(Err(Absence::Failed(too_deep(documents, entry)))));
            } else {
                let mut parents = parents.to_vec();
                parents.push(bare_of(entry));
                nodes.push(Node::Nested(parents));
            }
        } else if media_type::is_manifest(&entry.media_type) && !is_attestation(entry) {
            nodes.push(Node::Place(Ok(image(entry, parents.to_vec()))));
        }
        if nodes.len() > MAX_IMAGES {
            return;
        }
    }
}

/// Returns whether an entry is an attestation and cannot be taken for an image: it says what it attests, and no
/// platform suits it. Without the second condition, an annotation would hide an image that a build can still get.
fn is_attestation(entry: &oci::Descriptor) -> bool {
    let unknown = |platform: &oci::Platform| platform.os == "unknown" && platform.architecture == "unknown";
    entry.attests().is_some() && entry.platform.as_ref().is_some_and(unknown)
}
