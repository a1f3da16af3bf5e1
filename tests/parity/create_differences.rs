//! Where `refkit create` does not do what buildx does, and why.

use crate::create::Part;

/// A difference.
pub struct Difference {
    /// The row.
    pub row: &'static str,
    /// In what the results differ.
    pub parts: &'static [Part],
    /// Why RefKit does it in its own way.
    #[allow(dead_code)] // It is for readers.
    pub reason: &'static str,
}

/// The differences. A row that is not here has to come out the same, and one that is here has to differ.
pub const DIFFERENCES: &[Difference] = &[];
