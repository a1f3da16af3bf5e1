//! The limits of a document.

/// The limits of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes.
    pub bytes: usize,
    /// The most descriptors in one list.
    pub descriptors: usize,
    /// The most values: texts, numbers, members and others.
    pub values: usize,
    /// The most levels of nested objects and lists.
    pub depth: usize,
}

/// 4 MiB, as OCI distribution 1.1, section "Pushing Manifests"; 10,000 descriptors; 200,000 values, which are 20 for
/// each descriptor and 12 MB of memory; 32 levels, of which the specification needs 5.
impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 20, descriptors: 10_000, values: 200_000, depth: 32 }
    }
}
