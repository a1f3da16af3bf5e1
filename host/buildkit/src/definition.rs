//! The sources of a build definition (LLB), and definitions with one source.
//!
//! | identifier | [`SourceKind`] | reads |
//! |---|---|---|
//! | `docker-image://REF` | [`Image`](SourceKind::Image) | an image of a registry, or of BuildKit's image store |
//! | `oci-layout://REF` | [`Layout`](SourceKind::Layout) | an image of a session's layout |
//! | `docker-image+blob://REPO@DIGEST` | [`Blob`](SourceKind::Blob) | any content of a repository of a registry |
//! | `oci-layout+blob://REPO@DIGEST` | [`Blob`](SourceKind::Blob) | any content of a session's layout |
//! | `git://…` with `git.bundle` | [`Git`](SourceKind::Git) | such content, as a git repository |
//! | `git://…` | [`Git`](SourceKind::Git) | a git repository |
//! | `http://…`, `https://…` | [`Http`](SourceKind::Http) | a file |
//! | `local://…` | [`Local`](SourceKind::Local) | files of a session |
//! | any other | [`Unknown`](SourceKind::Unknown) | an error in BuildKit 0.34.2 |
//! | none: a build operation | [`Build`](SourceKind::Build) | **anything**: the definition in a file |
//!
//! An operation of an unknown kind (not in `solver/pb/ops.proto` of BuildKit 0.34.2) is an error: a newer BuildKit may read
//! an image by it.
//!
//! The source map of a definition may contain further definitions, which say where a Dockerfile came from. BuildKit shows
//! and records them but never builds them, so this module ignores them.
//!
//! BuildKit accepts more spellings (`%2F` or `?` in a reference, a short digest). They are errors here, because a policy
//! cannot decide about an identifier that two programs may read differently.

mod error;
mod fields;
mod marshal;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use refkit_content::verify;
use refkit_oci::{Algorithm, Digest, Reference, Repository};

use crate::pb::{self, op};

pub use error::DefinitionError;
pub use marshal::single;
pub(crate) use parse::{IMAGE, IMAGE_BLOB, LAYOUT, LAYOUT_BLOB, kind};

/// The attribute with the name of a layout in its session.
pub const OCI_STORE: &str = "oci.store";

/// The attribute with the session of a layout.
pub const OCI_SESSION: &str = "oci.session";

/// The attribute with the content of an image that a git source is read from.
pub const GIT_BUNDLE: &str = "git.bundle";

/// An operation that reads a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceUse {
    /// The digest of the encoded operation, which is BuildKit's name for the vertex.
    pub vertex: Digest,
    /// The identifier as the operation has it; empty for [`SourceKind::Build`].
    pub identifier: String,
    /// The attributes.
    pub attrs: BTreeMap<String, String>,
    /// The platform, where the operation has one.
    pub platform: Option<pb::Platform>,
    /// What the operation reads.
    pub kind: SourceKind,
}

/// What an operation reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// An image, by its normalised reference: `docker-image://alpine` is `docker.io/library/alpine:latest`.
    Image(Reference),
    /// An image of a session's layout. BuildKit finds it by its digest; the name is for people.
    Layout {
        /// The reference, with a digest.
        reference: Reference,
        /// The layout.
        store: Store,
    },
    /// Content by its digest.
    Blob(Blob),
    /// A git repository.
    Git {
        /// The content of an image that BuildKit reads it from; `None` where it reads from the git server.
        bundle: Option<Blob>,
    },
    /// A file of a web server.
    Http,
    /// Files of a session.
    Local,
    /// Builds the definition in a file. BuildKit applies no source policy to that definition.
    Build,
    /// A source with an unknown scheme.
    Unknown(String),
}

/// Content of a repository by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The repository; for a layout, a name for people.
    pub repository: Repository,
    /// The content's digest.
    pub digest: Digest,
    /// The layout that contains it; `None` for content of a registry.
    pub layout: Option<Store>,
}

/// An image layout of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Store {
    /// The name of the layout in the session, `oci.store`.
    pub id: String,
    /// The session, `oci.session`; empty means any of the build's.
    pub session: String,
}

impl SourceUse {
    /// Returns whether the operation reads an image or a part of one, or may do so.
    pub fn reads_image(&self) -> bool {
        match &self.kind {
            SourceKind::Image(_) | SourceKind::Layout { .. } | SourceKind::Blob(_) => true,
            SourceKind::Build | SourceKind::Unknown(_) => true,
            SourceKind::Git { bundle } => bundle.is_some(),
            SourceKind::Http | SourceKind::Local => false,
        }
    }
}

/// Returns every source of a definition, in order, also those that the result does not need: BuildKit checks all of them
/// as well.
///
/// # Errors
/// The first operation that is malformed, of an unknown kind, or has an ambiguous identifier.
pub fn sources(definition: &pb::Definition) -> Result<Vec<SourceUse>, DefinitionError> {
    sources_of(&definition.def)
}

/// Returns every source of a definition's encoded operations, as [`sources`] does.
///
/// # Errors
/// Those of [`sources`].
pub fn sources_of(operations: &[Bytes]) -> Result<Vec<SourceUse>, DefinitionError> {
    let is_result = |bytes: &Bytes| operations.last() == Some(bytes);
    operations.iter().filter_map(|bytes| source_of(bytes, is_result(bytes)).transpose()).collect()
}

/// Returns the source of an operation. The operation that names the result has none.
fn source_of(bytes: &Bytes, is_result: bool) -> Result<Option<SourceUse>, DefinitionError> {
    let vertex = || verify::digest(Algorithm::Sha256, bytes);
    let operation = pb::Op::decode(bytes.clone())
        .map_err(|error| DefinitionError::new(vertex(), "", format!("it is malformed: {error}")))?;
    if let Some(field) = fields::unknown(bytes) {
        let reason = format!("it is of a kind that is not known here (the field {field} of pb.Op)");
        return Err(DefinitionError::new(vertex(), "", reason));
    }
    if operation.op.is_none() && !is_result {
        return Err(DefinitionError::new(vertex(), "", "it is of no kind, and does not name the result"));
    }
    let (identifier, attrs, kind) = match operation.op {
        Some(op::Op::Source(source)) => {
            let kind = parse::kind(&source.identifier, &source.attrs)
                .map_err(|reason| DefinitionError::new(vertex(), &source.identifier, reason))?;
            (source.identifier, source.attrs, kind)
        }
        Some(op::Op::Build(build)) => (String::new(), build.attrs, SourceKind::Build),
        _ => return Ok(None),
    };
    Ok(Some(SourceUse { vertex: vertex(), identifier, attrs, platform: operation.platform, kind }))
}

/// Returns every identifier of a source that BuildKit's source policies may see. Rules have to match all of them.
///
/// BuildKit's policy engine sees the identifier as BuildKit's parser writes it from 0.32 on, and as the operation has it
/// before. The two are equal for every image that [`sources`] accepts. The engine sees a git source and its bundle one by
/// one, and the bundle only from 0.33.1 on: an older BuildKit reads a bundle whatever the rules say.
pub fn policy_identifiers(source: &SourceUse) -> Vec<String> {
    let mut identifiers = vec![source.identifier.clone()];
    if let SourceKind::Git { bundle: Some(_) } = &source.kind {
        identifiers.extend(source.attrs.get(GIT_BUNDLE).cloned());
    }
    identifiers.retain(|identifier| !identifier.is_empty());
    identifiers
}
