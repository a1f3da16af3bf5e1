//! The refusals of a run, and the rules by which they bind the policies that stand before the refusing one.
//!
//! A policy may decide without asking the rest of the chain. Once the rest has refused, two rules bind every policy
//! that stands before the one that refused:
//!
//! 1. No outcome holds what was refused: the reference, the digest that it names in this run, the manifests of refused
//!    images, the subjects of the reasons, and what the indexes among them list. Another selection, another tag of the
//!    same digest, or a digest in the place of a tag is no way round, and neither is an outcome without images over a
//!    root that lists what was refused.
//! 2. A policy that was answered with a refusal or a failure resolves only what the rest of the chain resolved when
//!    that policy asked it. So a policy may redirect away from what was refused, to what the rest of the chain allows;
//!    it may not answer with something that the rest has not seen.
//!
//! The digest that a refused *reference* names is refused in its own repository; a manifest and a subject are refused
//! in every repository, because content is the same wherever it lies.

use std::collections::HashSet;

use parking_lot::{Mutex, MutexGuard};
use refkit_contract::{Absence, Decision, Failure, Image, Request, Resolved, Selection};
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};

use crate::absences;
use crate::error::OutcomeError;
use crate::ledger::{Ledger, Name};

/// The answer of the rest of the chain to one request of a policy.
#[derive(Debug, Clone)]
pub(crate) struct NextAnswer {
    pub(crate) request: Request,
    pub(crate) result: Result<Decision<Descriptor>, Failure>,
}

/// The refusals of one run.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    refusals: Vec<Refusal>,
    images: Vec<RefusedPlace>,
}

/// One thing that one policy refused.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    /// The policy's place in the chain: the refusal binds the policies before it.
    index: usize,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Reference(Reference),
    Manifest(Digest),
}

/// The image that stood in a place before a policy refused it.
#[derive(Debug, Clone)]
struct RefusedPlace {
    root: Digest,
    selection: Selection,
    place: usize,
    manifest: Digest,
    platform: Option<Platform>,
}

impl Refusals {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock()
    }

    /// Records what a policy refused in its decision about a request.
    pub(crate) fn record(
        &self,
        index: usize,
        request: &Request,
        heard: &[NextAnswer],
        decision: &Decision<Descriptor>,
    ) {
        let mut tables = self.tables();
        match decision {
            Decision::Denied(denials) => {
                tables.add(index, What::Reference(request.reference.clone()));
                let subjects = denials.iter().filter_map(|denial| denial.subject.clone());
                subjects.for_each(|subject| tables.add(index, What::Manifest(subject)));
            }
            Decision::Resolved(resolved) => {
                for (place, image) in resolved.images.iter().enumerate() {
                    let Err(Absence::Denied(denials)) = image else { continue };
                    let subjects = denials.iter().filter_map(|denial| denial.subject.clone());
                    subjects.for_each(|subject| tables.add(index, What::Manifest(subject)));
                    if let Some(stood) = stood(heard, &resolved.root.digest, &request.selection, place) {
                        tables.add(index, What::Manifest(stood.manifest.digest.clone()));
                        tables.images.push(RefusedPlace {
                            root: resolved.root.digest.clone(),
                            selection: request.selection.clone(),
                            place,
                            manifest: stood.manifest.digest.clone(),
                            platform: stood.platform.clone(),
                        });
                    }
                }
            }
        }
    }

    /// Returns whether a policy of the run has refused a manifest.
    pub(crate) fn refuses(&self, digest: &Digest) -> bool {
        let is = |refusal: &Refusal| matches!(&refusal.what, What::Manifest(manifest) if manifest == digest);
        self.tables().refusals.iter().any(is)
    }

    /// Returns whether a policy of the run has refused the reference that names a digest in a repository.
    pub(crate) fn refuses_root(&self, ledger: &Ledger, repository: Option<&Repository>, digest: &Digest) -> bool {
        let references: Vec<Reference> = {
            let tables = self.tables();
            let references = tables.refusals.iter().filter_map(|refusal| match &refusal.what {
                What::Reference(reference) => Some(reference.clone()),
                What::Manifest(_) => None,
            });
            references.filter(|one| repository.is_none_or(|repository| one.repository() == repository)).collect()
        };
        let names = |one: &Reference| ledger.named(&Name::of(one)).is_some_and(|named| named.digest == *digest);
        references.iter().any(names)
    }

    /// Returns the image that stood in a place of an answer before a policy refused it, and its platform.
    pub(crate) fn stood(
        &self,
        root: &Digest,
        selection: &Selection,
        place: usize,
    ) -> Option<(Digest, Option<Platform>)> {
        let tables = self.tables();
        let here = |image: &&RefusedPlace| image.root == *root && image.place == place && image.selection == *selection;
        tables.images.iter().find(here).map(|image| (image.manifest.clone(), image.platform.clone()))
    }

    /// Checks what a policy resolves against the refusals of the policies after it, and against what those answered to
    /// it. `passed` says that the rest of the chain resolved exactly this.
    ///
    /// # Errors
    /// [`OutcomeError::Refused`], [`OutcomeError::Unasked`] and those of [`absences::check`].
    pub(crate) fn check(
        &self,
        ledger: &Ledger,
        index: usize,
        request: &Request,
        heard: &[NextAnswer],
        (resolved, passed): (&Resolved<Descriptor>, bool),
    ) -> Result<(), OutcomeError> {
        for NextAnswer { request: asked, result: answer } in heard {
            if let Ok(Decision::Resolved(answer)) = answer {
                absences::check(request, resolved, asked, answer)?;
            }
        }
        let refused: Vec<What> = {
            let tables = self.tables();
            tables.refusals.iter().filter(|refusal| refusal.index > index).map(|refusal| refusal.what.clone()).collect()
        };
        if !refused.is_empty() {
            let outcome = Held::of(ledger, resolved);
            for what in &refused {
                outcome.check(what)?;
            }
        }
        if passed || heard.iter().all(|heard| !is_refusal(&heard.result)) {
            return Ok(());
        }
        answered(heard, resolved)
    }
}

impl Tables {
    fn add(&mut self, index: usize, what: What) {
        let refusal = Refusal { index, what };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }
}

/// Returns the image that the rest of the chain had in a place.
fn stood<'a>(
    heard: &'a [NextAnswer],
    root: &Digest,
    selection: &Selection,
    place: usize,
) -> Option<&'a Image<Descriptor>> {
    heard.iter().find_map(|NextAnswer { request: asked, result: answer }| match answer {
        Ok(Decision::Resolved(answer)) if answer.root.digest == *root && asked.selection == *selection => {
            answer.images.get(place)?.as_ref().ok()
        }
        _ => None,
    })
}

/// Returns whether the rest of the chain refused anything, or failed to judge it.
fn is_refusal(answer: &Result<Decision<Descriptor>, Failure>) -> bool {
    match answer {
        Err(_) | Ok(Decision::Denied(_)) => true,
        Ok(Decision::Resolved(resolved)) => {
            resolved.images.iter().any(|place| matches!(place, Err(Absence::Denied(_) | Absence::Failed(_))))
        }
    }
}

/// Checks that the rest of the chain resolved what a policy resolves.
fn answered(heard: &[NextAnswer], resolved: &Resolved<Descriptor>) -> Result<(), OutcomeError> {
    let repository = resolved.reference.repository();
    let answers: Vec<(&Request, &Resolved<Descriptor>)> = heard
        .iter()
        .filter_map(|NextAnswer { request: asked, result: answer }| match answer {
            Ok(Decision::Resolved(answer)) if answer.reference.repository() == repository => Some((asked, answer)),
            _ => None,
        })
        .collect();
    let tag = resolved.reference.tag();
    let is_root = |(asked, answer): &(&Request, &Resolved<Descriptor>)| {
        answer.root.digest == resolved.root.digest
            && (tag.is_none() || tag == answer.reference.tag() || tag == asked.reference.tag())
    };
    if !answers.iter().any(is_root) {
        let what = resolved.reference.with_digest(resolved.root.digest.clone()).to_string();
        return Err(OutcomeError::Unasked { what });
    }
    let judged: HashSet<&Digest> = answers
        .iter()
        .flat_map(|(_, answer)| answer.images.iter().flatten())
        .map(|image| &image.manifest.digest)
        .collect();
    match resolved.images.iter().flatten().find(|image| !judged.contains(&image.manifest.digest)) {
        Some(image) => Err(OutcomeError::Unasked { what: format!("{repository}@{}", image.manifest.digest) }),
        None => Ok(()),
    }
}

/// The digests that an outcome names.
struct Held<'a> {
    ledger: &'a Ledger,
    reference: &'a Reference,
    /// Every digest that the outcome names in its images.
    digests: HashSet<&'a Digest>,
    /// What it names as its root.
    root: HashSet<&'a Digest>,
    /// Whether it says of an image that it is refused. Where the root is that image's manifest, the outcome has to name
    /// it, and hands out nothing.
    denies: bool,
    /// For an outcome without images, which stands for all that its root lists: that.
    listed: HashSet<Digest>,
}

impl<'a> Held<'a> {
    fn of(ledger: &'a Ledger, resolved: &'a Resolved<Descriptor>) -> Self {
        let Resolved { reference, root, images } = resolved;
        let mut digests = HashSet::new();
        let root: HashSet<&Digest> = [&root.digest].into_iter().chain(reference.digest()).collect();
        let denies = images.iter().any(|image| matches!(image, Err(Absence::Denied(_))));
        for image in images.iter().flatten() {
            let all = image.parents.iter().chain([&image.manifest]).chain(&image.config).chain(&image.attestations);
            digests.extend(all.map(|descriptor| &descriptor.digest));
        }
        let whole = images.is_empty();
        let listed = if whole { below(ledger, reference.repository(), &resolved.root.digest) } else { HashSet::new() };
        Self { ledger, reference, digests, root, denies, listed }
    }

    fn check(&self, what: &What) -> Result<(), OutcomeError> {
        let repository = self.reference.repository();
        let is_held = match what {
            What::Manifest(digest) => self.holds(repository, digest, |held| !self.denies && self.root.contains(held)),
            What::Reference(refused) if refused.repository() != repository => false,
            What::Reference(refused) => {
                let name = Name::of(refused);
                let digest = name.digest.clone().or_else(|| self.ledger.named(&name).map(|named| named.digest));
                let same_tag = name.tag.is_some() && name.tag.as_deref() == self.reference.tag();
                same_tag
                    || digest.is_some_and(|digest| self.holds(repository, &digest, |held| self.root.contains(held)))
            }
        };
        match (is_held, what) {
            (false, _) => Ok(()),
            (true, What::Reference(refused)) => Err(OutcomeError::Refused { what: refused.to_string() }),
            (true, What::Manifest(digest)) => Err(OutcomeError::Refused { what: digest.to_string() }),
        }
    }

    /// Returns whether the outcome holds a digest, or something that the index of that digest lists.
    fn holds(&self, repository: &Repository, digest: &Digest, is_root: impl Fn(&Digest) -> bool) -> bool {
        let held = |digest: &Digest| self.digests.contains(digest) || self.listed.contains(digest) || is_root(digest);
        held(digest) || below(self.ledger, repository, digest).iter().any(held)
    }
}

/// Returns all that an index lists, and the indexes in it, as far as this run has read them.
fn below(ledger: &Ledger, repository: &Repository, index: &Digest) -> HashSet<Digest> {
    let mut found = HashSet::new();
    let mut open = vec![index.clone()];
    while let Some(digest) = open.pop() {
        let Some(document) = ledger.document(repository, &digest) else { continue };
        for entry in document.entries() {
            if found.insert(entry.digest.clone()) {
                open.push(entry.digest.clone());
            }
        }
    }
    found
}
