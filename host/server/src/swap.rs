//! A value that is replaced as a whole.

use std::sync::Arc;

use parking_lot::RwLock;

/// A value that readers take whole, and that a reload replaces. A reader keeps what it took for as long as it needs it.
#[derive(Debug)]
pub(crate) struct Swap<T> {
    current: RwLock<Arc<T>>,
}

impl<T> Swap<T> {
    pub(crate) fn new(value: T) -> Self {
        Self::of(Arc::new(value))
    }

    pub(crate) fn of(value: Arc<T>) -> Self {
        Self { current: RwLock::new(value) }
    }

    /// Returns the present value.
    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.current.read())
    }

    /// Replaces the value.
    pub(crate) fn set(&self, value: Arc<T>) {
        *self.current.write() = value;
    }
}
