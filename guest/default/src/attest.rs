//! Manifests about images.

use std::collections::{BTreeMap, BTreeSet};

use refkit_policy::oci::document::{Index, media_type};
use refkit_policy::oci::{self};
use refkit_policy::{Absence, Descriptor, Error, ErrorCode, Host};

use crate::Place;
use crate::documents::{Documents, bare_of};

/// What starts the artifact types of referrers that attest something: provenance, SBOMs and signatures in the forms
/// that BuildKit, cosign, GitHub and Notation attach. Other referrers (a Helm values file, a scan report in a format
/// of its own) are no attestations.
const ARTIFACT_TYPES: [&str; 6] = [
    "application/vnd.docker.attestation.manifest.v1+json",
    "application/vnd.in-toto+json",
    "application/vnd.dsse.envelope.v1+json",
    // `.v0.3+json` and later, and the older `+json;version=0.1`.
    "application/vnd.dev.sigstore.bundle",
    // `sig`, `att` and `sbom`.
    "application/vnd.dev.cosign.artifact.",
    "application/vnd.cncf.notary.signature",
];

/// Sets the attestations of every image: the entries of the index that holds it which name it, and for images without
/// one, referrers, all asked for side by side. A registry that cannot list referrers has none.
pub(crate) fn attest(documents: &mut Documents<'_, impl Host>, places: &mut [Place]) {
    from_indexes(documents, places);
    let mut subjects = Vec::new();
    let mut seen = BTreeSet::new();
    for image in places.iter().flatten().filter(|image| image.attestations.is_empty()) {
        if seen.insert(image.manifest.digest.as_str()) {
            subjects.push(image.manifest.digest.clone());
        }
    }
    if subjects.is_empty() {
        return;
    }
    let answers = documents.host.referrers_all(documents.reference, &subjects, None);
    let known: BTreeMap<&str, _> = subjects.iter().map(String::as_str).zip(answers.into_iter().map(usable)).collect();
    for place in places {
        let Ok(image) = place else { continue };
        if !image.attestations.is_empty() {
            continue;
        }
        match known.get(image.manifest.digest.as_str()) {
            Some(Ok(list)) => image.attestations.clone_from(list),
            Some(Err(error)) => *place = Err(Absence::Failed(error.clone())),
            None => {}
        }
    }
}

fn from_indexes(documents: &Documents<'_, impl Host>, places: &mut [Place]) {
    // Images of one index stand side by side, so what an index says is sorted once for all of them.
    let mut holder = String::new();
    let mut sorted: Vec<(&str, &oci::Descriptor)> = Vec::new();
    for image in places.iter_mut().flatten() {
        let own = documents.holder(&image.parents);
        if own != holder {
            sorted = documents.index(own).map(attesting).unwrap_or_default();
            own.clone_into(&mut holder);
        }
        let subject = image.manifest.digest.as_str();
        let start = sorted.partition_point(|(known, _)| *known < subject);
        let about = sorted[start..].iter().take_while(|(known, _)| *known == subject);
        image.attestations = about.map(|(_, entry)| bare_of(entry)).collect();
    }
}

/// Returns the entries that attest another one, sorted by what they attest, then in the order of the index.
fn attesting(index: &Index) -> Vec<(&str, &oci::Descriptor)> {
    let entries = index.manifests.iter().filter(|entry| media_type::is_manifest(&entry.media_type));
    let mut list: Vec<_> = entries.filter_map(|entry| Some((entry.attests()?, entry))).collect();
    list.sort_by_key(|(subject, _)| *subject);
    list
}

fn usable(answer: Result<Vec<Descriptor>, Error>) -> Result<Vec<Descriptor>, Error> {
    match answer {
        Ok(mut list) => {
            list.retain(|referrer| {
                let artifact_type = referrer.artifact_type.as_deref().unwrap_or_default();
                ARTIFACT_TYPES.iter().any(|start| artifact_type.starts_with(start))
            });
            Ok(list)
        }
        Err(Error { code: ErrorCode::Unsupported | ErrorCode::NotFound, .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
