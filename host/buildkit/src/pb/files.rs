//! Files of a result.

use bytes::Bytes;

/// `ReadFileRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadFileRequest {
    /// The result's id, from a [`SolveResponse`](super::SolveResponse).
    #[prost(string, tag = "1")]
    pub r#ref: String,
    /// The file's path in it.
    #[prost(string, tag = "2")]
    pub file_path: String,
    /// Which bytes are wanted; all if there is none.
    #[prost(message, optional, tag = "3")]
    pub range: Option<FileRange>,
    /// For `ReadFileContainer`: which mount.
    #[prost(int32, tag = "4")]
    pub mount_index: i32,
}

/// `FileRange`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct FileRange {
    /// The first byte.
    #[prost(int64, tag = "1")]
    pub offset: i64,
    /// The number of bytes; the file may end before.
    #[prost(int64, tag = "2")]
    pub length: i64,
}

/// `ReadFileResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadFileResponse {
    /// The bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
}

/// `StatFileRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StatFileRequest {
    /// The result's id, from a [`SolveResponse`](super::SolveResponse).
    #[prost(string, tag = "1")]
    pub r#ref: String,
    /// The file's path in it.
    #[prost(string, tag = "2")]
    pub path: String,
    /// For `StatFileContainer`: which mount.
    #[prost(int32, tag = "3")]
    pub mount_index: i32,
}

/// `StatFileResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StatFileResponse {
    /// What the file is.
    #[prost(message, optional, tag = "1")]
    pub stat: Option<Stat>,
}

/// `fsutil.types.Stat`, without owner, device and extended attributes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Stat {
    /// The path.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Go's `os.FileMode`.
    #[prost(uint32, tag = "2")]
    pub mode: u32,
    /// The size in bytes.
    #[prost(int64, tag = "5")]
    pub size: i64,
    /// The time of the last change, in nanoseconds since 1970.
    #[prost(int64, tag = "6")]
    pub mod_time: i64,
    /// Where a link points.
    #[prost(string, tag = "7")]
    pub linkname: String,
}
