//! A composition that waits for the answers of registries.

use std::collections::HashMap;

use bytes::Bytes;
use refkit_oci::descriptor::{ATTESTATION_MANIFEST, REFERENCE_DIGEST, REFERENCE_TYPE};
use refkit_oci::document::media_type;
use refkit_oci::{Content, Descriptor, Digest, Platform};

use super::combine::{Draft, set};
use super::filter::{Attestations, Filter};
use super::rewrite::{Rewrite, Rewritten};
use super::{ATTESTATION, Compose, ComposeError, Source};

/// A composition that waits for the answers to [`Plan::asks`].
#[derive(Debug, Clone)]
pub struct Plan {
    draft: Draft,
    /// Whether a filter has removed entries.
    filtered: bool,
    /// Whether an index that only a filter changes keeps its bytes.
    sparse: bool,
    /// Whether one manifest is left, which needs no index around it.
    alone: bool,
    rewrite: Rewrite,
    attestations: Attestations,
}

/// A question to the registry of a source: which attestations it lists as referrers of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The manifest.
    pub subject: Digest,
    /// The place of the source.
    pub source: usize,
}

/// A manifest or an index with all that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// What it is, as the composed index lists it. One that is written anew stands here as it was.
    pub descriptor: Descriptor,
    /// The place of the source whose repository holds it.
    pub source: usize,
}

/// The composed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The document.
    pub content: Content,
    /// What a destination must hold before it gets the document, with all that it refers to. Of a single manifest that
    /// stays as it is, that is the document itself.
    pub needed: Vec<Needed>,
    /// The manifests that are written anew; a destination must hold them as well. They refer to what those hold that they
    /// replace.
    pub rewritten: Vec<Rewritten>,
    /// Whether the document is an index that names more than what is needed.
    pub sparse: bool,
}

impl Compose {
    /// Combines sources, in their order, and filters by platform.
    ///
    /// # Errors
    /// [`ComposeError`].
    pub fn plan(&self, sources: Vec<Source>) -> Result<Plan, ComposeError> {
        if sources.is_empty() {
            return Err(ComposeError::NoSource);
        }
        let filter = Filter::new(&self.platforms);
        let mut draft = self.combine(sources)?;
        let (mut filtered, mut attestations) = (false, Attestations::default());
        match &mut draft {
            Draft::Manifest(manifest) => {
                let platform = manifest.descriptor.platform.clone().unwrap_or_default();
                if !filter.matches(&platform) {
                    return Err(ComposeError::OtherPlatform(platform));
                }
            }
            Draft::Index(index) => {
                let keeps = self.sparse && self.annotations.is_empty() && index.original.is_some();
                let opened = !keeps && filter.open(index);
                let (before, platforms) = (index.entries.len(), index.platforms());
                attestations = filter.apply(index);
                filtered = opened || index.entries.len() < before;
                if index.entries.is_empty() {
                    return Err(ComposeError::NoPlatform(platforms));
                }
            }
        }
        let rewrite = Rewrite::new(&self.annotations, self.oci);
        let (mut sparse, mut alone) = (false, false);
        match &draft {
            Draft::Manifest(manifest) => rewrite.check(std::iter::once(&manifest.descriptor))?,
            Draft::Index(index) => {
                let entries = index.entries.iter().map(|entry| &entry.descriptor);
                rewrite.check(entries.clone())?;
                let changes = entries.clone().any(|entry| rewrite.changes(entry));
                sparse = self.sparse && !changes && index.original.is_some();
                alone = match &index.entries[..] {
                    [one] => {
                        self.unwrap && !self.annotates_index() && !media_type::is_index(&one.descriptor.media_type)
                    }
                    _ => false,
                };
            }
        }
        if sparse || alone {
            attestations.missing.clear();
        }
        Ok(Plan { draft, filtered, sparse, alone, rewrite, attestations })
    }
}

impl Plan {
    /// Returns the manifests whose referrers may be attestations that belong into the index.
    pub fn asks(&self) -> &[Ask] {
        &self.attestations.missing
    }

    /// Returns the manifests whose bytes [`Plan::finish`] takes: they are written anew, or published themselves.
    pub fn manifests(&self) -> impl Iterator<Item = &Needed> {
        let entries = match &self.draft {
            Draft::Index(index) => &index.entries[..],
            Draft::Manifest(_) => &[],
        };
        entries.iter().filter(|entry| self.alone || self.rewrite.changes(&entry.descriptor))
    }

    /// Returns the composed document. The referrers are those of the subjects of [`Plan::asks`]; a subject that is missing
    /// has none. The first attestation of each gets into the index. The manifests are those of [`Plan::manifests`].
    ///
    /// # Errors
    /// [`ComposeError::NoBytes`]; [`ComposeError::Edit`] where the document cannot be written.
    pub fn finish(
        self,
        referrers: &HashMap<Digest, Vec<Descriptor>>,
        manifests: &HashMap<Digest, Bytes>,
    ) -> Result<Composed, ComposeError> {
        let Self { draft, filtered, sparse, alone, rewrite, attestations } = self;
        let mut index = match draft {
            Draft::Manifest(content) => {
                let Content { descriptor, bytes } = *content;
                return single(&rewrite, Needed { descriptor, source: 0 }, bytes);
            }
            Draft::Index(index) => index,
        };
        if alone && let Some(one) = index.entries.pop() {
            let bytes = manifests.get(&one.descriptor.digest).cloned();
            let bytes = bytes.ok_or_else(|| ComposeError::NoBytes(one.descriptor.digest.clone()))?;
            return single(&rewrite, one, bytes);
        }
        let mut added = Vec::new();
        let Attestations { missing, listed } = attestations;
        for Ask { subject, source } in missing {
            let found = referrers.get(&subject).into_iter().flatten();
            let is_new = |referrer: &&Descriptor| {
                referrer.artifact_type.as_deref() == Some(ATTESTATION) && !listed.contains(&referrer.digest)
            };
            if let Some(referrer) = found.into_iter().find(is_new) {
                added.push(Needed { descriptor: entry(referrer, &subject), source });
            }
        }
        let sparse = sparse && filtered;
        let changed = (filtered && !sparse) || !added.is_empty();
        index.entries.append(&mut added);
        let needed = index.entries.clone();
        let rewritten = rewrite.apply(&mut index.entries, manifests)?;
        let content = match &index.original {
            Some(original) if !changed && rewritten.is_empty() => original.clone(),
            _ => index.write()?,
        };
        Ok(Composed { content, needed, rewritten, sparse })
    }
}

/// Returns a manifest without an index around it.
fn single(rewrite: &Rewrite, one: Needed, bytes: Bytes) -> Result<Composed, ComposeError> {
    let Needed { descriptor, .. } = &one;
    let (content, rewritten) = match rewrite.changes(descriptor) {
        true => {
            let content = rewrite.write(descriptor, &bytes)?;
            (content.clone(), vec![Rewritten { of: descriptor.digest.clone(), content }])
        }
        false => (Content { descriptor: descriptor.clone(), bytes }, Vec::new()),
    };
    Ok(Composed { content, needed: vec![one], rewritten, sparse: false })
}

/// Returns the entry of an attestation that a registry lists as a referrer.
fn entry(referrer: &Descriptor, subject: &Digest) -> Descriptor {
    let unknown = || "unknown".to_owned();
    let mut entry = referrer.clone();
    entry.platform = Some(Platform { os: unknown(), architecture: unknown(), ..Platform::default() });
    entry.artifact_type = None;
    set(&mut entry.annotations, REFERENCE_TYPE, ATTESTATION_MANIFEST);
    set(&mut entry.annotations, REFERENCE_DIGEST, subject.as_str());
    entry
}
