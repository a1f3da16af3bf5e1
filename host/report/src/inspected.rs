//! The report of a request that inspects an image.

use std::collections::{HashMap, HashSet};

use refkit::{Absence, Image, Resolution};
use refkit_oci::{Descriptor, Digest};

use crate::json::{ContentsReport, ImageReport, OutcomeReport, ResolvedReport};
use crate::manifests::{self, Manifests};
use crate::resolved::Places;
use crate::{ImageTree, Requested, RunOutput, RunResult};

/// The most attestations that indexes may add to the images of one answer: as many as one index has entries.
const ATTESTATIONS: usize = 10_000;

/// The indexes list more attestations than a report may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyAttestations;

impl std::fmt::Display for TooManyAttestations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the indexes list more than {ATTESTATIONS} attestations of their images")
    }
}

impl std::error::Error for TooManyAttestations {}

impl RunResult<'_> {
    /// Returns the output of an inspection: the tree of the image, with the layers if `layers` is set.
    ///
    /// # Errors
    /// [`TooManyAttestations`], because an index can name the same image and attest it again and again.
    pub fn inspected(
        &self,
        resolution: &Resolution,
        manifests: &Manifests,
        requested: Requested<'_>,
        layers: bool,
    ) -> Result<RunOutput, TooManyAttestations> {
        let mut images = manifests::places(resolution, manifests);
        attest(resolution, &mut images)?;
        let tree = ImageTree {
            root: &resolution.root,
            images: &images,
            index: &|descriptor| resolution.index(&descriptor.digest),
            manifests,
            refused: &resolution.refused,
            layers,
        };
        let reference = self.name(&resolution.reference);
        let lines = tree.lines(reference.clone());
        let image = |image: &Image<Descriptor>| {
            let pinned = resolution.reference.with_digest(image.manifest.digest.clone());
            let mut report = ImageReport::of(image, self.name(&pinned));
            if let Some(Ok(manifest)) = manifests.get(&image.manifest.digest) {
                report.config = Some((&manifest.config).into());
                report.contents = Some(ContentsReport {
                    size: manifest.size,
                    annotations: manifest.annotations.iter().cloned().collect(),
                    layers: layers.then(|| manifest.layers.iter().map(Into::into).collect()),
                });
            }
            report
        };
        let places = Places::of(self, resolution, &images, requested, image);
        let report = ResolvedReport {
            reference,
            pinned: Some(self.name(&resolution.pinned())),
            root: (&resolution.root).into(),
            judged: Vec::new(),
            annotations: annotations(resolution, manifests).into_iter().collect(),
            images: places.images,
        };
        let report = OutcomeReport::resolved(report, places.error);
        Ok(RunOutput { lines, report, messages: places.messages, status: places.status })
    }
}

/// Adds the attestations that the indexes list. The run has read these indexes, so this takes no request.
fn attest(
    resolution: &Resolution,
    images: &mut [Result<Image<Descriptor>, Absence>],
) -> Result<(), TooManyAttestations> {
    let last = |image: &Image<Descriptor>| image.parents.last().unwrap_or(&resolution.root).digest.clone();
    let indexes: HashSet<Digest> = images.iter().flatten().map(last).collect();
    let mut listed: HashMap<&str, Vec<&Descriptor>> = HashMap::new();
    let read = indexes.iter().filter_map(|index| resolution.index(index));
    for entry in read.flat_map(|index| &index.manifests) {
        if let Some(subject) = entry.attests() {
            listed.entry(subject).or_default().push(entry);
        }
    }
    let mut left = ATTESTATIONS;
    for image in images.iter_mut().flatten() {
        let mut known: HashSet<Digest> = image.attestations.iter().map(|one| one.digest.clone()).collect();
        let about = listed.get(image.manifest.digest.as_str()).into_iter().flatten();
        for entry in about.filter(|entry| known.insert(entry.digest.clone())) {
            left = left.checked_sub(1).ok_or(TooManyAttestations)?;
            image.attestations.push(Descriptor::clone(entry));
        }
    }
    Ok(())
}

/// Returns the annotations of the root's document.
fn annotations(resolution: &Resolution, manifests: &Manifests) -> Vec<(String, String)> {
    match resolution.index(&resolution.root.digest) {
        Some(index) => index.annotations.clone(),
        None => match manifests.get(&resolution.root.digest) {
            Some(Ok(manifest)) => manifest.annotations.clone(),
            _ => Vec::new(),
        },
    }
}
