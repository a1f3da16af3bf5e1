//! `ResolveImageConfig` and `ResolveSourceMeta` of `moby.buildkit.v1.frontend.LLBBridge`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Platform, Policy, SourceOp};

/// `ResolveImageConfigRequest`: what frontends before BuildKit 0.13 ask.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveImageConfigRequest {
    /// The reference, in any form that people write.
    #[prost(string, tag = "1")]
    pub r#ref: String,
    /// The wanted platform; BuildKit's own if there is none.
    #[prost(message, optional, tag = "2")]
    pub platform: Option<Platform>,
    /// `default`, `pull` or `local`.
    #[prost(string, tag = "3")]
    pub resolve_mode: String,
    /// What the step is called in the build's progress.
    #[prost(string, tag = "4")]
    pub log_name: String,
    /// 0 is a registry, 1 an image layout.
    #[prost(int32, tag = "5")]
    pub resolver_type: i32,
    /// The session that has the layout.
    #[prost(string, tag = "6")]
    pub session_id: String,
    /// The layout's name in the session.
    #[prost(string, tag = "7")]
    pub store_id: String,
    /// Rules that BuildKit applies first.
    #[prost(message, repeated, tag = "8")]
    pub source_policies: Vec<Policy>,
}

/// `ResolveImageConfigResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveImageConfigResponse {
    /// The root's digest.
    #[prost(string, tag = "1")]
    pub digest: String,
    /// The config of the image for the wanted platform.
    #[prost(bytes = "bytes", tag = "2")]
    pub config: Bytes,
    /// The reference that was resolved in the end.
    #[prost(string, tag = "3")]
    pub r#ref: String,
}

/// `ResolveSourceMetaRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveSourceMetaRequest {
    /// What is asked about.
    #[prost(message, optional, tag = "1")]
    pub source: Option<SourceOp>,
    /// The wanted platform; BuildKit's own if there is none.
    #[prost(message, optional, tag = "2")]
    pub platform: Option<Platform>,
    /// What the step is called in the build's progress.
    #[prost(string, tag = "3")]
    pub log_name: String,
    /// Of images: `default`, `pull` or `local`.
    #[prost(string, tag = "4")]
    pub resolve_mode: String,
    /// What is wanted of a git repository.
    #[prost(message, optional, tag = "5")]
    pub git: Option<ResolveSourceGitRequest>,
    /// What is wanted of an image.
    #[prost(message, optional, tag = "6")]
    pub image: Option<ResolveSourceImageRequest>,
    /// Rules that BuildKit applies first.
    #[prost(message, repeated, tag = "8")]
    pub source_policies: Vec<Policy>,
}

/// `ResolveSourceMetaResponse`, without what concerns HTTP.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveSourceMetaResponse {
    /// What was resolved in the end.
    #[prost(message, optional, tag = "1")]
    pub source: Option<SourceOp>,
    /// The answer of an image; of everything else there is none.
    #[prost(message, optional, tag = "2")]
    pub image: Option<ResolveSourceImageResponse>,
    /// The answer of a git repository.
    #[prost(message, optional, tag = "3")]
    pub git: Option<ResolveSourceGitResponse>,
}

/// `ResolveSourceImageRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveSourceImageRequest {
    /// Whether no config is wanted. Alone it has BuildKit resolve nothing at all.
    #[prost(bool, tag = "1")]
    pub no_config: bool,
    /// Whether attestations and signatures are wanted.
    #[prost(bool, tag = "2")]
    pub attestation_chain: bool,
    /// Types of in-toto predicates whose statements are wanted.
    #[prost(string, repeated, tag = "3")]
    pub resolve_attestations: Vec<String>,
}

/// `ResolveSourceImageResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveSourceImageResponse {
    /// The root's digest.
    #[prost(string, tag = "1")]
    pub digest: String,
    /// The config of the image for the wanted platform.
    #[prost(bytes = "bytes", tag = "2")]
    pub config: Bytes,
    /// Attestations and signatures, where they were asked for and are there.
    #[prost(message, optional, tag = "3")]
    pub attestation_chain: Option<AttestationChain>,
}

/// `AttestationChain`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttestationChain {
    /// The root's digest.
    #[prost(string, tag = "1")]
    pub root: String,
    /// The digest of the image's manifest.
    #[prost(string, tag = "2")]
    pub image_manifest: String,
    /// The digest of its attestations' manifest.
    #[prost(string, tag = "3")]
    pub attestation_manifest: String,
    /// The digests of the manifests of signatures.
    #[prost(string, repeated, tag = "4")]
    pub signature_manifests: Vec<String>,
    /// Content by digest.
    #[prost(btree_map = "string, message", tag = "5")]
    pub blobs: BTreeMap<String, Blob>,
}

/// `Blob`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Blob {
    /// What describes it.
    #[prost(message, optional, tag = "1")]
    pub descriptor: Option<Descriptor>,
    /// The bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
}

/// `Descriptor`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Descriptor {
    /// The content's media type.
    #[prost(string, tag = "1")]
    pub media_type: String,
    /// The digest of the bytes.
    #[prost(string, tag = "2")]
    pub digest: String,
    /// The number of bytes.
    #[prost(int64, tag = "3")]
    pub size: i64,
    /// Annotations.
    #[prost(btree_map = "string, string", tag = "5")]
    pub annotations: BTreeMap<String, String>,
}

/// `ResolveSourceGitRequest`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct ResolveSourceGitRequest {
    /// Whether the objects of commit and tag are wanted.
    #[prost(bool, tag = "1")]
    pub return_object: bool,
}

/// `ResolveSourceGitResponse`, without the objects.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResolveSourceGitResponse {
    /// The digest of what the ref names.
    #[prost(string, tag = "1")]
    pub checksum: String,
    /// The ref's full name.
    #[prost(string, tag = "2")]
    pub r#ref: String,
    /// The commit's digest, where the ref names a tag.
    #[prost(string, tag = "3")]
    pub commit_checksum: String,
}
