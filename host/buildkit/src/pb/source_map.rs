//! Where in a file, such as a Dockerfile, something was said. For people only.

use std::collections::BTreeMap;

use bytes::Bytes;

/// `pb.Source`: where each vertex of a definition comes from.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Source {
    /// By the vertex's digest.
    #[prost(btree_map = "string, message", tag = "1")]
    pub locations: BTreeMap<String, Locations>,
    /// The files.
    #[prost(message, repeated, tag = "2")]
    pub infos: Vec<SourceInfo>,
}

/// `pb.Locations`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Locations {
    /// The places.
    #[prost(message, repeated, tag = "1")]
    pub locations: Vec<Location>,
}

/// `pb.Location`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Location {
    /// Which of [`Source::infos`].
    #[prost(int32, tag = "1")]
    pub source_index: i32,
    /// The places in it.
    #[prost(message, repeated, tag = "2")]
    pub ranges: Vec<Range>,
}

/// `pb.SourceInfo`. Its `definition`, field 3, is skipped here: it says where the file itself came from, and BuildKit
/// shows and records it but never builds it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SourceInfo {
    /// The file's name.
    #[prost(string, tag = "1")]
    pub filename: String,
    /// The file's content.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
    /// The file's language, such as `Dockerfile`.
    #[prost(string, tag = "4")]
    pub language: String,
}

/// `pb.Range`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Range {
    /// The first position.
    #[prost(message, optional, tag = "1")]
    pub start: Option<Position>,
    /// The last position.
    #[prost(message, optional, tag = "2")]
    pub end: Option<Position>,
}

/// `pb.Position`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Position {
    /// The line, from 1.
    #[prost(int32, tag = "1")]
    pub line: i32,
    /// The character in the line, from 0.
    #[prost(int32, tag = "2")]
    pub character: i32,
}
