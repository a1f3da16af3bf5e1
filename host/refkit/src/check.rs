//! Holds an outcome against what the run has met. A policy names digests; every descriptor that leaves here is the
//! host's own record.

use std::cell::Cell;

use refkit_contract::{Absence, Decision, Denial, Failure, Image, Parts, Request, Resolved, Selection};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Footprint, Platform, Reference, Repository};

use crate::error::OutcomeError;
use crate::ledger::{Ledger, Name};

/// The most bytes of all descriptors of a decision: 1,000 images with annotations and attestations have a third of it. An
/// outcome of a few bytes can name a descriptor of megabytes again and again.
const DESCRIPTORS: usize = 8 << 20;

/// Returns the decision about a request with the host's own descriptors.
///
/// # Errors
/// The first thing in it that the run does not bear out.
pub(crate) fn decision(
    ledger: &Ledger,
    request: &Request,
    claim: Decision<Digest>,
) -> Result<Decision<Descriptor>, OutcomeError> {
    let resolved = match claim {
        Decision::Denied(denials) if denials.is_empty() => return Err(OutcomeError::NoReason),
        Decision::Denied(denials) => return Ok(Decision::Denied(denials)),
        Decision::Resolved(resolved) => resolved,
    };
    let root = root(ledger, &resolved.reference, &resolved.root)?;
    tag(ledger, request, &resolved.reference, &resolved.root)?;
    let left = Cell::new(DESCRIPTORS);
    let check = Check { ledger, repository: resolved.reference.repository(), root: &root, left };
    let images = resolved.images.into_iter().map(|place| match place {
        Ok(image) => check.image(image).map(Ok),
        Err(Absence::Denied(denials)) if denials.is_empty() => Err(OutcomeError::NoReason),
        Err(absence) => Ok(Err(absence)),
    });
    let images = images.collect::<Result<_, _>>()?;
    Ok(Decision::Resolved(Resolved { reference: resolved.reference, root, images }))
}

/// The root has to be what the reference names in this run (what its tag was answered with, or its digest, met there),
/// and an index or a manifest. A root that only the transport names has no known media type.
fn root(ledger: &Ledger, reference: &Reference, root: &Digest) -> Result<Descriptor, OutcomeError> {
    let repository = reference.repository();
    let (descriptor, _) = ledger.met(repository, root).ok_or_else(|| not_met(repository, root))?;
    match ledger.named(&Name::of(reference)) {
        Some(named) if named.digest == *root => {}
        _ => return Err(OutcomeError::Root { reference: reference.to_string(), root: root.to_string() }),
    }
    if !media_type::is_document(&descriptor.media_type) && !ledger.is_delegated(repository, root) {
        return Err(OutcomeError::NotImage { root: root.to_string(), media_type: descriptor.media_type });
    }
    Ok(descriptor)
}

/// A tag beside a digest has to name it: in this run, or in the request, where it stood beside the same digest. A
/// policy that redirects keeps both, so the repository may be another one.
///
/// # Errors
/// [`OutcomeError::Tag`].
pub(crate) fn tag(
    ledger: &Ledger,
    request: &Request,
    reference: &Reference,
    root: &Digest,
) -> Result<(), OutcomeError> {
    let (Some(tag), Some(_)) = (reference.tag(), reference.digest()) else { return Ok(()) };
    let asked = &request.reference;
    let of_request = asked.tag() == Some(tag) && asked.digest() == Some(root);
    let of_run = || {
        let name = Name { repository: reference.repository().clone(), tag: Some(tag.to_owned()), digest: None };
        ledger.named(&name).is_some_and(|named| named.digest == *root)
    };
    if of_request || of_run() { Ok(()) } else { Err(OutcomeError::Tag { reference: reference.to_string() }) }
}

fn not_met(repository: &Repository, digest: &Digest) -> OutcomeError {
    OutcomeError::NotMet { digest: digest.to_string(), repository: repository.to_string() }
}

struct Check<'a> {
    ledger: &'a Ledger,
    repository: &'a Repository,
    root: &'a Descriptor,
    /// Bytes of descriptors that the decision may still hold.
    left: Cell<usize>,
}

impl Check<'_> {
    fn image(&self, image: Image<Digest>) -> Result<Image<Descriptor>, OutcomeError> {
        let mut parents: Vec<Descriptor> = Vec::with_capacity(image.parents.len());
        for parent in &image.parents {
            let above = parents.last().unwrap_or(self.root);
            let entry = self.entry(above, parent, "nested index")?;
            if !media_type::is_index(&entry.media_type) {
                return Err(self.broken("nested index", above, parent));
            }
            parents.push(entry);
        }
        let last = parents.last().unwrap_or(self.root);
        let manifest = if image.manifest == self.root.digest && parents.is_empty() {
            self.count(self.root.clone())?
        } else {
            self.entry(last, &image.manifest, "manifest")?
        };
        let delegated = || self.ledger.is_delegated(self.repository, &manifest.digest);
        if !media_type::is_manifest(&manifest.media_type) && !delegated() {
            return Err(self.broken("image manifest", last, &manifest.digest));
        }
        let config = image.config.map(|config| self.config(&manifest, &config)).transpose()?;
        let about = |attestation: Digest| self.attestation(&manifest, attestation);
        let attestations = image.attestations.into_iter().map(about).collect::<Result<_, _>>()?;
        let platform = self.platform(&manifest, config.as_ref());
        Ok(Image { platform, parents, manifest, config, attestations })
    }

    /// An index may name one digest more than once, with several platforms: the first is the record.
    fn entry(&self, parent: &Descriptor, child: &Digest, kind: &'static str) -> Result<Descriptor, OutcomeError> {
        self.met(child)?;
        let document = self.ledger.document(self.repository, &parent.digest);
        let entry = document.as_ref().and_then(|document| document.entry(child));
        self.count(entry.cloned().ok_or_else(|| self.broken(kind, parent, child))?)
    }

    fn config(&self, manifest: &Descriptor, config: &Digest) -> Result<Descriptor, OutcomeError> {
        self.met(config)?;
        let named = self.ledger.config(self.repository, &manifest.digest).filter(|named| named.digest == *config);
        self.count(named.ok_or_else(|| self.broken("config", manifest, config))?)
    }

    fn attestation(&self, manifest: &Descriptor, attestation: Digest) -> Result<Descriptor, OutcomeError> {
        let descriptor = self.met(&attestation)?;
        if self.ledger.about(self.repository, &attestation, &manifest.digest) {
            self.count(descriptor)
        } else {
            Err(self.broken("attestation", manifest, &attestation))
        }
    }

    /// Returns the platform that the index gives, or else the one in the config, where the run has read that. The
    /// policy's own value does not count.
    fn platform(&self, manifest: &Descriptor, config: Option<&Descriptor>) -> Option<Platform> {
        if let Some(platform) = &manifest.platform {
            return Some(platform.clone().normalized());
        }
        let named = || self.ledger.config(self.repository, &manifest.digest);
        let config = config.cloned().or_else(named)?;
        refkit_oci::document::read_config(&self.ledger.bytes(&config.digest)?)
            .ok()?
            .platform()
            .map(Platform::normalized)
    }

    fn count(&self, descriptor: Descriptor) -> Result<Descriptor, OutcomeError> {
        let left = self.left.get().checked_sub(descriptor.footprint());
        self.left.set(left.ok_or(OutcomeError::TooLarge { limit: DESCRIPTORS })?);
        Ok(descriptor)
    }

    fn met(&self, digest: &Digest) -> Result<Descriptor, OutcomeError> {
        let met = self.ledger.met(self.repository, digest);
        met.map(|(descriptor, _)| descriptor).ok_or_else(|| not_met(self.repository, digest))
    }

    fn broken(&self, kind: &'static str, parent: &Descriptor, child: &Digest) -> OutcomeError {
        OutcomeError::Chain { kind, parent: parent.digest.to_string(), child: child.to_string() }
    }
}

/// A decision that was cut to the request, or the failure that it is then.
pub(crate) type Fitted = Result<Decision<Descriptor>, Failure>;

/// Cuts a decision to what the request asked for: what is over is taken away, except an absence, which decides the
/// whole where no images were asked for.
///
/// # Errors
/// When places are missing.
pub(crate) fn fit(request: &Request, decision: Decision<Descriptor>) -> Result<Fitted, OutcomeError> {
    let Decision::Resolved(mut resolved) = decision else {
        return Ok(Ok(decision));
    };
    if let Selection::Platforms(platforms) = &request.selection {
        let unasked = resolved.images.is_empty() && !request.parts.any();
        if !unasked && resolved.images.len() != platforms.len() {
            return Err(OutcomeError::Places { wanted: platforms.len(), got: resolved.images.len() });
        }
    }
    if !request.parts.any() {
        if let Some(whole) = whole(&resolved.images) {
            return Ok(whole);
        }
        resolved.images.clear();
    }
    for image in resolved.images.iter_mut().flatten() {
        trim(image, request.parts);
    }
    Ok(Ok(Decision::Resolved(resolved)))
}

fn trim(image: &mut Image<Descriptor>, parts: Parts) {
    if !parts.configs {
        image.config = None;
    }
    if !parts.attestations {
        image.attestations.clear();
    }
}

fn whole(places: &[Result<Image<Descriptor>, Absence>]) -> Option<Fitted> {
    let absences = || places.iter().filter_map(|place| place.as_ref().err());
    let denials = absences().filter_map(|absence| match absence {
        Absence::Denied(denials) => Some(denials.clone()),
        _ => None,
    });
    let denials: Vec<Denial> = denials.flatten().collect();
    if !denials.is_empty() {
        return Some(Ok(Decision::Denied(denials)));
    }
    absences().find_map(|absence| match absence {
        Absence::Failed(failure) => Some(Err(failure.clone())),
        _ => None,
    })
}
