//! Edits JSON documents in place. All other parts keep their bytes: unknown members, the order of members, the
//! spelling of numbers and texts, and the white space between them.
//!
//! The strict reading of [`document`](crate::document) comes first. An edit checks nothing more, but refuses a
//! document that it cannot keep: one that is no object, and an object that has a member twice.
//!
//! ```
//! use refkit_oci::edit::Object;
//!
//! let mut index = Object::read(b"{\n  \"x-own\": 1.50,\n  \"manifests\": [ {\"size\": 2} ]\n}\n")?;
//! let mut annotations = index.object("annotations")?;
//! annotations.set("team", "blue")?;
//! index.set("annotations", &annotations)?;
//! assert_eq!(
//!     index.to_string(),
//!     "{\n  \"x-own\": 1.50,\n  \"manifests\": [ {\"size\": 2} ],\n  \"annotations\": {\"team\":\"blue\"}\n}\n"
//! );
//! # Ok::<(), refkit_oci::edit::EditError>(())
//! ```

mod items;
mod list;
mod object;

pub use list::List;
pub use object::Object;

/// Why a document cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The text is not JSON, or its value has another type than the edit needs.
    #[error("{0}")]
    Malformed(String),
    /// An object has a member twice, and readers differ in which of the two they use.
    #[error("the member {0:?} is there twice")]
    Twice(String),
}

impl From<serde_json::Error> for EditError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
