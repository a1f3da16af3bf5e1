//! Answers of the host on their way into a policy: their size, and their form in the contract.

use std::sync::Arc;

use bytes::Bytes;
use refkit_contract::{Content, Decision, PublishDecision};
use refkit_oci::{Descriptor, Footprint};

use crate::bindings::publishing::refkit::policy::publication;
use crate::bindings::refkit::policy::{registry, resolution, types};
use crate::convert;

/// Bytes that are set aside for a run; they are free again when this is dropped.
#[derive(Default)]
pub struct Hold(Option<Box<dyn Send>>);

impl Hold {
    /// Returns a hold that ends when the guard is dropped.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hold").field(&self.0.is_some()).finish()
    }
}

/// An answer of the host.
pub(crate) trait Answered {
    /// What the policy gets: a copy.
    type Copy;

    /// Returns about how many bytes the copy takes.
    fn bytes(&self) -> u64;

    /// Returns the copy.
    fn copy(self) -> Self::Copy;
}

impl Answered for Descriptor {
    type Copy = types::Descriptor;

    fn bytes(&self) -> u64 {
        self.footprint() as u64
    }

    fn copy(self) -> types::Descriptor {
        convert::to_descriptor(&self)
    }
}

impl Answered for Bytes {
    type Copy = Vec<u8>;

    fn bytes(&self) -> u64 {
        (size_of::<Vec<u8>>() + self.len()) as u64
    }

    fn copy(self) -> Vec<u8> {
        self.into()
    }
}

impl Answered for Content {
    type Copy = registry::Content;

    fn bytes(&self) -> u64 {
        (self.descriptor.footprint() + self.bytes.len()) as u64
    }

    fn copy(self) -> registry::Content {
        registry::Content { descriptor: convert::to_descriptor(&self.descriptor), bytes: self.bytes.into() }
    }
}

impl Answered for Arc<Vec<Descriptor>> {
    type Copy = Vec<types::Descriptor>;

    fn bytes(&self) -> u64 {
        self.footprint() as u64
    }

    fn copy(self) -> Vec<types::Descriptor> {
        self.iter().map(convert::to_descriptor).collect()
    }
}

impl Answered for Arc<Vec<String>> {
    type Copy = Vec<String>;

    fn bytes(&self) -> u64 {
        self.footprint() as u64
    }

    fn copy(self) -> Vec<String> {
        self.to_vec()
    }
}

impl Answered for Decision<Descriptor> {
    type Copy = resolution::Outcome;

    fn bytes(&self) -> u64 {
        self.footprint() as u64
    }

    fn copy(self) -> resolution::Outcome {
        convert::to_outcome(&self)
    }
}

impl Answered for PublishDecision<Descriptor> {
    type Copy = publication::Outcome;

    fn bytes(&self) -> u64 {
        self.footprint() as u64
    }

    fn copy(self) -> publication::Outcome {
        convert::publish::to_outcome(&self)
    }
}

impl Answered for () {
    type Copy = ();

    fn bytes(&self) -> u64 {
        0
    }

    fn copy(self) {}
}
