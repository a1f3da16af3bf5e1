//! A value with the key that sets it.

use std::ops::Deref;

use refkit_config::{Entry, Position};

/// A value, and the position of the key that sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// The key; none if the value is the default.
    pub position: Option<Position>,
}

impl<T> Value<T> {
    /// Returns a default.
    pub(super) fn default(value: T) -> Self {
        Self { value, position: None }
    }

    /// Returns the value of a key.
    pub(super) fn at(entry: &Entry<'_>, value: T) -> Self {
        Self { value, position: Some(entry.position()) }
    }
}

impl<T> Deref for Value<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
