//! `Solve` of `moby.buildkit.v1.frontend.LLBBridge`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Definition, Policy};

/// `SolveRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SolveRequest {
    /// What to build.
    #[prost(message, optional, tag = "1")]
    pub definition: Option<Definition>,
    /// Or which frontend to ask for it, such as `gateway.v0`. BuildKit refuses a request with both.
    #[prost(string, tag = "2")]
    pub frontend: String,
    /// That frontend's options. With `gateway.v0`, `source` is an image that is run.
    #[prost(btree_map = "string, string", tag = "3")]
    pub frontend_opt: BTreeMap<String, String>,
    /// Whether the answer is in [`SolveResponse::result`] instead of [`SolveResponse::ref`].
    #[prost(bool, tag = "5")]
    pub allow_result_return: bool,
    /// Whether the answer has [`Ref`]s instead of plain ids.
    #[prost(bool, tag = "6")]
    pub allow_result_array_ref: bool,
    /// Old: the request is a [`ReturnRequest`](super::ReturnRequest) as well.
    #[prost(bool, tag = "10")]
    pub r#final: bool,
    /// Old: the metadata of the result that is returned, JSON.
    #[prost(bytes = "bytes", tag = "11")]
    pub exporter_attr: Bytes,
    /// Caches that results may come from. Type `registry` reads from a registry.
    #[prost(message, repeated, tag = "12")]
    pub cache_imports: Vec<CacheOptionsEntry>,
    /// Definitions for the frontend.
    #[prost(btree_map = "string, message", tag = "13")]
    pub frontend_inputs: BTreeMap<String, Definition>,
    /// Whether the result is built before the answer comes.
    #[prost(bool, tag = "14")]
    pub evaluate: bool,
    /// Rules for the sources of the definition. They come after those of the build's options, and BuildKit does not
    /// apply them where [`frontend`](Self::frontend) is set.
    #[prost(message, repeated, tag = "15")]
    pub source_policies: Vec<Policy>,
}

/// `CacheOptionsEntry`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CacheOptionsEntry {
    /// `registry`, `local`, `gha`, …
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// Of type `registry`, `ref` is an image reference.
    #[prost(btree_map = "string, string", tag = "2")]
    pub attrs: BTreeMap<String, String>,
}

/// `SolveResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SolveResponse {
    /// Old: the id of the result.
    #[prost(string, tag = "1")]
    pub r#ref: String,
    /// The result.
    #[prost(message, optional, tag = "3")]
    pub result: Option<Result>,
}

/// `Result`, without attestations.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Result {
    /// What was built.
    #[prost(oneof = "result::Result", tags = "1, 2, 3, 4")]
    pub result: Option<result::Result>,
    /// What is said of it, such as the image's config.
    #[prost(btree_map = "string, bytes", tag = "10")]
    pub metadata: BTreeMap<String, Vec<u8>>,
}

/// What was built.
pub mod result {
    /// One thing, or one for each platform.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Result {
        /// Old: one id.
        #[prost(string, tag = "1")]
        RefDeprecated(String),
        /// Old: several ids.
        #[prost(message, tag = "2")]
        RefsDeprecated(super::RefMapDeprecated),
        /// One.
        #[prost(message, tag = "3")]
        Ref(super::Ref),
        /// Several, by name.
        #[prost(message, tag = "4")]
        Refs(super::RefMap),
    }
}

/// `RefMapDeprecated`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RefMapDeprecated {
    /// Ids by name.
    #[prost(btree_map = "string, string", tag = "1")]
    pub refs: BTreeMap<String, String>,
}

/// `Ref`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ref {
    /// What the calls that read files name; empty is an empty result.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What it was built from.
    #[prost(message, optional, tag = "2")]
    pub def: Option<Definition>,
}

/// `RefMap`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RefMap {
    /// By name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub refs: BTreeMap<String, Ref>,
}
