//! Build definitions (LLB): `solver/pb/ops.proto`, as far as it says what a build reads, and what one file needs.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Source;

/// `pb.Definition`: a graph of operations.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Definition {
    /// One encoded [`Op`] each. The last one is no operation: its only input is the result.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub def: Vec<Bytes>,
    /// By the digest of the encoded [`Op`].
    #[prost(btree_map = "string, message", tag = "2")]
    pub metadata: BTreeMap<String, OpMetadata>,
    /// Where the operations come from, for people only.
    #[prost(message, optional, tag = "3")]
    pub source: Option<Source>,
}

/// `pb.OpMetadata`, without what concerns caching, progress groups and resources.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpMetadata {
    /// Whether the operation runs though its result is there.
    #[prost(bool, tag = "1")]
    pub ignore_cache: bool,
    /// Texts; `llb.customname` is what the operation is called in the build's progress.
    #[prost(btree_map = "string, string", tag = "2")]
    pub description: BTreeMap<String, String>,
    /// The capabilities that the operation needs of BuildKit.
    #[prost(btree_map = "string, bool", tag = "5")]
    pub caps: BTreeMap<String, bool>,
}

/// `pb.Op`: one operation.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Op {
    /// The results that it builds on.
    #[prost(message, repeated, tag = "1")]
    pub inputs: Vec<Input>,
    /// What it does.
    #[prost(oneof = "op::Op", tags = "2, 3, 4, 5, 6, 7, 8")]
    pub op: Option<op::Op>,
    /// For which platform.
    #[prost(message, optional, tag = "10")]
    pub platform: Option<Platform>,
    /// Which workers may do it.
    #[prost(message, optional, tag = "11")]
    pub constraints: Option<WorkerConstraints>,
}

/// What an [`Op`] does.
pub mod op {
    /// The kinds of operations.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Op {
        /// Runs a program.
        #[prost(message, tag = "2")]
        Exec(super::ExecOp),
        /// Reads something from outside.
        #[prost(message, tag = "3")]
        Source(super::SourceOp),
        /// Changes files.
        #[prost(message, tag = "4")]
        File(super::Unread),
        /// Builds the definition that a file holds.
        #[prost(message, tag = "5")]
        Build(super::BuildOp),
        /// Lays results over each other.
        #[prost(message, tag = "6")]
        Merge(super::Unread),
        /// Takes what is in one result and not in another.
        #[prost(message, tag = "7")]
        Diff(super::Unread),
        /// Hands a result on.
        #[prost(message, tag = "8")]
        Passthrough(super::Unread),
    }
}

/// An operation of which nothing is read but that it is there. It cannot be written again: its fields are gone.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Unread {}

/// `pb.Input`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Input {
    /// The digest of the encoded [`Op`].
    #[prost(string, tag = "1")]
    pub digest: String,
    /// Which of its outputs.
    #[prost(int64, tag = "2")]
    pub index: i64,
}

/// `pb.WorkerConstraints`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorkerConstraints {
    /// Filters as containerd has them.
    #[prost(string, repeated, tag = "1")]
    pub filter: Vec<String>,
}

/// `pb.SourceOp`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SourceOp {
    /// `docker-image://…`, `git://…`, `local://…` and so on: [`crate::definition`] reads them.
    #[prost(string, tag = "1")]
    pub identifier: String,
    /// What else is said of it, such as `oci.store`.
    #[prost(btree_map = "string, string", tag = "2")]
    pub attrs: BTreeMap<String, String>,
}

/// `pb.BuildOp`, without its inputs.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BuildOp {
    /// Who builds; BuildKit knows only itself, -1.
    #[prost(int64, tag = "1")]
    pub builder: i64,
    /// `llbbuild.filename` is where the definition is.
    #[prost(btree_map = "string, string", tag = "4")]
    pub attrs: BTreeMap<String, String>,
}

/// `pb.ExecOp`, as far as a program with read-only mounts needs it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecOp {
    /// The program.
    #[prost(message, optional, tag = "1")]
    pub meta: Option<Meta>,
    /// What it sees of files.
    #[prost(message, repeated, tag = "2")]
    pub mounts: Vec<Mount>,
}

/// `pb.Meta`, as far as a program needs it that sets nothing special.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Meta {
    /// The command line.
    #[prost(string, repeated, tag = "1")]
    pub args: Vec<String>,
    /// The environment, as `NAME=VALUE`.
    #[prost(string, repeated, tag = "2")]
    pub env: Vec<String>,
    /// The working directory.
    #[prost(string, tag = "3")]
    pub cwd: String,
}

/// `pb.Mount`, of a result.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Mount {
    /// Which of the operation's inputs; -1 is an empty directory.
    #[prost(int64, tag = "1")]
    pub input: i64,
    /// The path in the input.
    #[prost(string, tag = "2")]
    pub selector: String,
    /// The path that the program sees.
    #[prost(string, tag = "3")]
    pub dest: String,
    /// Which output it becomes; -1 is none.
    #[prost(int64, tag = "4")]
    pub output: i64,
    /// Whether it cannot be written.
    #[prost(bool, tag = "5")]
    pub readonly: bool,
    /// 0 is a result; others are secrets, sockets, caches and memory.
    #[prost(int32, tag = "6")]
    pub mount_type: i32,
}

/// `pb.Platform`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Platform {
    /// `amd64`, `arm64`, …
    #[prost(string, tag = "1")]
    pub architecture: String,
    /// `linux`, `windows`, …
    #[prost(string, tag = "2")]
    pub os: String,
    /// `v7`, `v8`, …
    #[prost(string, tag = "3")]
    pub variant: String,
    /// The operating system's version; Windows only.
    #[prost(string, tag = "4")]
    pub os_version: String,
    /// Features of the operating system that the image needs.
    #[prost(string, repeated, tag = "5")]
    pub os_features: Vec<String>,
}

impl From<&refkit_oci::Platform> for Platform {
    fn from(platform: &refkit_oci::Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone().unwrap_or_default(),
            os_version: platform.os_version.clone().unwrap_or_default(),
            os_features: platform.os_features.clone(),
        }
    }
}

impl From<&Platform> for refkit_oci::Platform {
    fn from(platform: &Platform) -> Self {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
            variant: some(&platform.variant),
            os_version: some(&platform.os_version),
            os_features: platform.os_features.clone(),
        }
    }
}
