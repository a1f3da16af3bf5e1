//! Capabilities: what a peer says that it can do.

/// `moby.buildkit.v1.apicaps.APICap`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ApiCap {
    /// The capability's name, such as `source.imageblob`.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Whether it may be used.
    #[prost(bool, tag = "2")]
    pub enabled: bool,
    /// Unused by BuildKit.
    #[prost(bool, tag = "3")]
    pub deprecated: bool,
    /// Why it is off, for programs.
    #[prost(string, tag = "4")]
    pub disabled_reason: String,
    /// Why it is off, for people.
    #[prost(string, tag = "5")]
    pub disabled_reason_msg: String,
    /// What to use instead.
    #[prost(string, tag = "6")]
    pub disabled_alternative: String,
}
