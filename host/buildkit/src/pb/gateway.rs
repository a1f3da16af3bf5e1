//! `Ping`, `Inputs`, `Warn` and `Return` of `moby.buildkit.v1.frontend.LLBBridge`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{ApiCap, Definition, Range, Result, SourceInfo, Status};

/// `PingRequest`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct PingRequest {}

/// `PongResponse`, without the workers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PongResponse {
    /// What the calls can do.
    #[prost(message, repeated, tag = "1")]
    pub frontend_api_caps: Vec<ApiCap>,
    /// What definitions may hold.
    #[prost(message, repeated, tag = "2")]
    pub llb_caps: Vec<ApiCap>,
}

/// `InputsRequest`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct InputsRequest {}

/// `InputsResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InputsResponse {
    /// Definitions that whoever started the build gave to the frontend, by name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub definitions: BTreeMap<String, Definition>,
}

/// `WarnRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WarnRequest {
    /// The vertex that the warning belongs to.
    #[prost(string, tag = "1")]
    pub digest: String,
    /// How grave it is, from 1; BuildKit takes 0 for 1.
    #[prost(int64, tag = "2")]
    pub level: i64,
    /// One line.
    #[prost(bytes = "bytes", tag = "3")]
    pub short: Bytes,
    /// More lines.
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub detail: Vec<Bytes>,
    /// Where more can be read.
    #[prost(string, tag = "5")]
    pub url: String,
    /// The file that it is about.
    #[prost(message, optional, tag = "6")]
    pub info: Option<SourceInfo>,
    /// The places in the file.
    #[prost(message, repeated, tag = "7")]
    pub ranges: Vec<Range>,
}

/// `WarnResponse`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct WarnResponse {}

/// `ReturnRequest`: the end of a frontend's work.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReturnRequest {
    /// What was built.
    #[prost(message, optional, tag = "1")]
    pub result: Option<Result>,
    /// Why nothing was built.
    #[prost(message, optional, tag = "2")]
    pub error: Option<Status>,
}

/// `ReturnResponse`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ReturnResponse {}
