//! Attestations of images.

use refkit_policy::oci;
use refkit_policy::oci::document::{Index, media_type};
use refkit_policy::{Absence, Descriptor, Error, ErrorCode, Host};

use crate::digests::Digests;
use crate::documents::{Documents, bare_of};
use crate::{MAX_IMAGES, Place};

/// The prefixes of the artifact types of attestations: provenance, SBOMs and signatures in the forms that BuildKit,
/// cosign, GitHub and Notation attach. Other referrers (a Helm values file, a scan report in a format of its own) are
/// no attestations.
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

/// The most attestations of all images together: more do not fit into the outcome that a host accepts (1 MiB). An
/// index can list the same image, and attest it, any number of times.
const MAX_ATTESTATIONS: usize = 4 * MAX_IMAGES;

/// Sets the attestations of every image: the entries of its index that refer to it, and for images without any, its
/// referrers, all requested in one call. A registry that cannot list referrers has none.
///
/// # Errors
/// An error if there are more than [`MAX_ATTESTATIONS`].
pub(crate) fn attest(documents: &mut Documents<'_, impl Host>, places: &mut [Place]) -> Result<(), Error> {
    let mut left = MAX_ATTESTATIONS;
    from_indexes(documents, places, &mut left)?;
    let mut subjects = Digests::default();
    for image in places.iter().flatten().filter(|image| image.attestations.is_empty()) {
        subjects.add(&image.manifest.digest);
    }
    if subjects.as_slice().is_empty() {
        return Ok(());
    }
    let answers = documents.host.referrers_all(documents.reference, subjects.as_slice(), None);
    let lists: Vec<_> = answers.into_iter().map(usable).collect();
    for place in places {
        let Ok(image) = place else { continue };
        if !image.attestations.is_empty() {
            continue;
        }
        match subjects.place(&image.manifest.digest).and_then(|place| lists.get(place)) {
            Some(Ok(list)) => {
                take(documents, &mut left, list.len())?;
                image.attestations.clone_from(list);
            }
            Some(Err(error)) => *place = Err(Absence::Failed(error.clone())),
            None => {}
        }
    }
    Ok(())
}

fn take(documents: &Documents<'_, impl Host>, left: &mut usize, attestations: usize) -> Result<(), Error> {
    let reference = documents.reference;
    let text = format_args!("{reference} holds more than {MAX_ATTESTATIONS} attestations");
    *left = left.checked_sub(attestations).ok_or_else(|| Error::invalid(text))?;
    Ok(())
}

fn from_indexes(documents: &Documents<'_, impl Host>, places: &mut [Place], left: &mut usize) -> Result<(), Error> {
    // Images of one index are adjacent, so the attestations of an index are collected once for all of them.
    let mut holder = String::new();
    let mut attesting = Attesting::default();
    for image in places.iter_mut().flatten() {
        let own = documents.holder(&image.parents);
        if own != holder {
            attesting = documents.index(own).map(Attesting::of).unwrap_or_default();
            own.clone_into(&mut holder);
        }
        let about = attesting.about(&image.manifest.digest);
        take(documents, left, about.len())?;
        image.attestations = about.iter().map(|entry| bare_of(entry)).collect();
    }
    Ok(())
}

/// The attestations in an index, by their subjects.
#[derive(Default)]
struct Attesting<'a> {
    subjects: Digests,
    entries: Vec<Vec<&'a oci::Descriptor>>,
}

impl<'a> Attesting<'a> {
    fn of(index: &'a Index) -> Self {
        let mut attesting = Self::default();
        for entry in index.manifests.iter().filter(|entry| media_type::is_manifest(&entry.media_type)) {
            let Some(subject) = entry.attests() else { continue };
            if attesting.subjects.add(subject) {
                attesting.entries.push(Vec::new());
            }
            if let Some(place) = attesting.subjects.place(subject) {
                attesting.entries[place].push(entry);
            }
        }
        attesting
    }

    fn about(&self, subject: &str) -> &[&'a oci::Descriptor] {
        self.subjects.place(subject).map_or(&[], |place| &self.entries[place])
    }
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
