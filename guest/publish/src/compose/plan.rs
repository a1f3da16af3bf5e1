//! A composition that waits for the answers of registries.

use std::collections::HashMap;

use bytes::Bytes;
use refkit_oci::descriptor::{ATTESTATION_MANIFEST, REFERENCE_DIGEST, REFERENCE_TYPE};
use refkit_oci::document::media_type;
use refkit_oci::{Content, Descriptor, Digest, Platform};

use super::combine::{Draft, set};
use super::filter::{Attestations, Filter};
use super::{ATTESTATION, Compose, ComposeError, Source};

/// A composition that waits for the answers to [`Plan::asks`].
#[derive(Debug, Clone)]
pub struct Plan {
    draft: Draft,
    /// Whether a filter has removed entries.
    filtered: bool,
    /// Whether an index that only a filter changes keeps its bytes.
    sparse: bool,
    /// Whether the index or its entries have new annotations.
    annotated: bool,
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
    /// What it is, as the composed index lists it.
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
                let before = index.entries.len();
                attestations = filter.apply(index);
                filtered = index.entries.len() < before;
                if index.entries.is_empty() {
                    return Err(ComposeError::NoPlatform);
                }
            }
        }
        let sparse = self.sparse && matches!(&draft, Draft::Index(index) if index.original.is_some());
        if sparse {
            attestations.missing.clear();
        }
        let annotated = !self.annotations.is_empty();
        Ok(Plan { draft, filtered, sparse, annotated, attestations })
    }
}

impl Plan {
    /// Returns the manifests whose referrers may be attestations that belong into the index.
    pub fn asks(&self) -> &[Ask] {
        &self.attestations.missing
    }

    /// Returns the one manifest that the sources and the filter have left. It can be published itself, without an index
    /// around it: [`Plan::alone`]. There is none where new annotations need the index.
    pub fn one(&self) -> Option<&Needed> {
        match &self.draft {
            Draft::Index(index) => match &index.entries[..] {
                [one] if !self.annotated && !media_type::is_index(&one.descriptor.media_type) => Some(one),
                _ => None,
            },
            Draft::Manifest(_) => None,
        }
    }

    /// Returns the composition of the manifest of [`Plan::one`], with its bytes.
    pub fn alone(one: &Needed, bytes: Bytes) -> Composed {
        let Needed { descriptor, source } = one;
        let descriptor = Descriptor::new(&*descriptor.media_type, descriptor.digest.clone(), descriptor.size);
        let needed = vec![Needed { descriptor: descriptor.clone(), source: *source }];
        Composed { content: Content { descriptor, bytes }, needed, sparse: false }
    }

    /// Returns the composed document. The referrers are those of the subjects of [`Plan::asks`]; a subject that is missing
    /// has none. The first attestation of each gets into the index.
    ///
    /// # Errors
    /// [`ComposeError::Edit`] where the document cannot be written.
    pub fn finish(self, referrers: &HashMap<Digest, Vec<Descriptor>>) -> Result<Composed, ComposeError> {
        let mut index = match self.draft {
            Draft::Manifest(content) => {
                let needed = vec![Needed { descriptor: content.descriptor.clone(), source: 0 }];
                return Ok(Composed { content: *content, needed, sparse: false });
            }
            Draft::Index(index) => index,
        };
        let mut added = Vec::new();
        let Attestations { missing, listed } = self.attestations;
        for Ask { subject, source } in missing {
            let found = referrers.get(&subject).into_iter().flatten();
            let is_new = |referrer: &&Descriptor| {
                referrer.artifact_type.as_deref() == Some(ATTESTATION) && !listed.contains(&referrer.digest)
            };
            if let Some(referrer) = found.into_iter().find(is_new) {
                added.push(Needed { descriptor: entry(referrer, &subject), source });
            }
        }
        let sparse = self.sparse && self.filtered;
        let changed = (self.filtered && !sparse) || !added.is_empty();
        index.entries.append(&mut added);
        let content = match &index.original {
            Some(original) if !changed => original.clone(),
            _ => index.write()?,
        };
        Ok(Composed { content, needed: index.entries, sparse })
    }
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
