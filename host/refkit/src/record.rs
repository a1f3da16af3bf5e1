//! Records a run, and replays it.
//!
//! A run is a function of its observations, of the time if a policy reads it, and of its policies. So a [`Recording`] of
//! these has everything that the same chain needs to decide the same again, without a registry: [`Replay`] answers its
//! calls. A call that the recorded run did not make has no answer, and [`Replay::missing`] names it.
//!
//! The recording names contents by digest. [`Store`] keeps both in a directory, as files by digest.

mod replay;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use refkit_content::verify;
use refkit_oci::{Algorithm, Digest};
use serde::{Deserialize, Serialize};

use crate::ObservationsDocument;

pub use replay::Replay;
pub use store::{Store, StoreError};

/// The record of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    document: Document,
    contents: BTreeMap<Digest, Bytes>,
}

/// What is written of a recording; the contents lie beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The time that the policies read, in seconds since 1970; nothing where none read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<u64>,
    /// The digests of the contents that the run read, sorted.
    contents: Vec<String>,
    observed: ObservationsDocument,
}

impl Recording {
    pub(crate) fn new(observed: ObservationsDocument, clock: Option<u64>, contents: BTreeMap<Digest, Bytes>) -> Self {
        let names = contents.keys().map(ToString::to_string).collect();
        Self { document: Document { clock, contents: names, observed }, contents }
    }

    /// Returns the observations, without times and without where the answers came from.
    pub fn observations(&self) -> &ObservationsDocument {
        &self.document.observed
    }

    /// Returns the time that the policies read, in seconds since 1970; nothing where none read it.
    pub fn clock(&self) -> Option<u64> {
        self.document.clock
    }

    /// Returns the recording as JSON, without the contents: equal for runs that observed the same at the same time.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.document).unwrap_or_default()
    }

    /// Returns the digest of [`Recording::to_json`].
    pub fn digest(&self) -> Digest {
        verify::digest(Algorithm::Sha256, &self.to_json())
    }

    /// Returns the contents that the run read.
    pub fn contents(&self) -> impl Iterator<Item = (&Digest, &Bytes)> {
        self.contents.iter()
    }
}
