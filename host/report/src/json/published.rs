//! The JSON about what was published.

use serde::Serialize;

use super::DescriptorReport;

/// What was published.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PublishedReport {
    /// The published index or manifest.
    pub root: DescriptorReport,
    /// The destinations, in the order of the request.
    pub destinations: Vec<DestinationReport>,
    /// Whether nothing was sent.
    pub dry_run: bool,
}

/// One destination.
#[derive(Debug, Serialize)]
pub struct DestinationReport {
    /// The reference.
    pub reference: String,
    /// The reference with the digest of the root.
    pub pinned: String,
}
