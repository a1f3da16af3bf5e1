//! Errors of bytes that are no manifest, index, config or descriptor.

use std::fmt;

use crate::quoted::first;

/// The most characters of a peer's text that an error repeats.
const SHOWN: usize = 200;

/// The error of a document. Messages are short, whatever the bytes are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The document is too large.
    #[error("it has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The number of bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is nested too deeply.
    #[error("its JSON is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// A list is too long.
    #[error("it lists more than {limit} descriptors")]
    TooMany {
        /// The limit in descriptors.
        limit: usize,
    },
    /// It has too many values of any kind.
    #[error("it has more than {limit} values")]
    TooComplex {
        /// The limit in values.
        limit: usize,
    },
    /// The document is not of the expected form, or contradicts itself.
    #[error("{0}")]
    Malformed(String),
    /// The document is of a kind that this crate does not read.
    #[error("{0}")]
    Unsupported(String),
}

impl DocumentError {
    /// Returns whether the document may be valid, but of a kind that this crate does not read.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(_))
    }

    pub(super) fn schema1() -> Self {
        let text = "it is a Docker manifest of schema 1: push the image again with a newer tool";
        Self::Unsupported(text.to_owned())
    }
}

pub(super) fn malformed(what: impl fmt::Display) -> DocumentError {
    DocumentError::Malformed(shorten(&what.to_string()))
}

pub(super) fn shorten(text: &str) -> String {
    let start = first(text, SHOWN);
    if start.len() == text.len() { text.to_owned() } else { format!("{start}…") }
}
