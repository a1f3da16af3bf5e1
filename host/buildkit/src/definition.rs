//! What a build definition (LLB) reads from outside, and definitions that read one file.
//!
//! | identifier | [`SourceKind`] | reads |
//! |---|---|---|
//! | `docker-image://REF` | [`Image`](SourceKind::Image) | an image of a registry, or of BuildKit's own store |
//! | `oci-layout://REF` | [`Layout`](SourceKind::Layout) | an image of a layout that a session has |
//! | `docker-image+blob://REPO@DIGEST` | [`Blob`](SourceKind::Blob) | any content of a registry's repository |
//! | `oci-layout+blob://REPO@DIGEST` | [`Blob`](SourceKind::Blob) | any content of such a layout |
//! | `git://…` with `git.bundle` | [`Git`](SourceKind::Git) | such a content, as a git repository |
//! | `git://…` | [`Git`](SourceKind::Git) | a git repository |
//! | `http://…`, `https://…` | [`Http`](SourceKind::Http) | a file |
//! | `local://…` | [`Local`](SourceKind::Local) | files that a session has |
//! | any other | [`Unknown`](SourceKind::Unknown) | what BuildKit 0.34.2 does not know either |
//! | none: a build operation | [`Build`](SourceKind::Build) | **anything**: a definition that a file holds |
//!
//! An operation of a kind that is not in `solver/pb/ops.proto` of BuildKit 0.34.2 is an error: a newer BuildKit may read
//! an image by it.
//!
//! A definition's source map may hold further definitions, of where a Dockerfile came from. BuildKit shows and records
//! them but never builds them, so they are not read here.
//!
//! Where BuildKit reads a text more leniently (`%2F` or `?` in a reference, a short digest), it is an error here: what
//! is not read in one way only, nobody can decide about.

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

/// The attribute that names a layout in a session.
pub const OCI_STORE: &str = "oci.store";

/// The attribute that names the session which has a layout.
pub const OCI_SESSION: &str = "oci.session";

/// The attribute by which a git source is read from an image's content.
pub const GIT_BUNDLE: &str = "git.bundle";

/// One operation that reads from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceUse {
    /// The digest of the encoded operation, by which BuildKit knows the vertex.
    pub vertex: Digest,
    /// The identifier, word for word; empty for [`SourceKind::Build`].
    pub identifier: String,
    /// The attributes.
    pub attrs: BTreeMap<String, String>,
    /// The platform, where the operation says one.
    pub platform: Option<pb::Platform>,
    /// What it reads.
    pub kind: SourceKind,
}

/// What a source operation reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// An image, by its normalised reference: `docker-image://alpine` is `docker.io/library/alpine:latest`.
    Image(Reference),
    /// An image of a layout. Only the reference's digest counts; its name is for people.
    Layout {
        /// The reference, which has a digest.
        reference: Reference,
        /// Where the layout is.
        store: Store,
    },
    /// Content of a repository by its digest.
    Blob(Blob),
    /// A git repository.
    Git {
        /// Where it is read from, if not from its own host.
        bundle: Option<Blob>,
    },
    /// A file of a web server.
    Http,
    /// Files of a session.
    Local,
    /// A definition that a file holds is built. No rule applies to what that definition reads.
    Build,
    /// Another scheme.
    Unknown(String),
}

/// Content of a repository by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The repository; of a layout, a name for people.
    pub repository: Repository,
    /// The content's digest.
    pub digest: Digest,
    /// The layout that it is in; none is a registry.
    pub layout: Option<Store>,
}

/// Where a layout is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Store {
    /// Its name in the session, `oci.store`.
    pub id: String,
    /// The session, `oci.session`; empty means any of the build's.
    pub session: String,
}

impl SourceUse {
    /// Returns whether an image is read, in whole or in part, or may be.
    pub fn reads_image(&self) -> bool {
        match &self.kind {
            SourceKind::Image(_) | SourceKind::Layout { .. } | SourceKind::Blob(_) => true,
            SourceKind::Build | SourceKind::Unknown(_) => true,
            SourceKind::Git { bundle } => bundle.is_some(),
            SourceKind::Http | SourceKind::Local => false,
        }
    }
}

/// Returns every source of a definition, in its order, whether the result needs it or not: BuildKit looks at all of
/// them as well.
///
/// # Errors
/// When an operation is malformed, or names what it reads in a way that is not clear.
pub fn sources(definition: &pb::Definition) -> Result<Vec<SourceUse>, DefinitionError> {
    sources_of(&definition.def)
}

/// Returns every source of encoded operations, as [`sources`].
///
/// # Errors
/// As [`sources`].
pub fn sources_of(operations: &[Bytes]) -> Result<Vec<SourceUse>, DefinitionError> {
    let is_result = |bytes: &Bytes| operations.last() == Some(bytes);
    operations.iter().filter_map(|bytes| source_of(bytes, is_result(bytes)).transpose()).collect()
}

/// Returns what an operation reads. That which names the result does nothing, and is none.
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

/// Returns every identifier under which BuildKit's source policies may see a source: rules have to match all of them.
///
/// From 0.32 on, BuildKit's engine sees the identifier as its own parser writes it, before that word for word; the
/// two are the same for every image that [`sources`] lets through. A git source and its bundle are looked at one by
/// one, but the bundle only from 0.33.1 on: a BuildKit before that reads a bundle whatever the rules say.
pub fn policy_identifiers(source: &SourceUse) -> Vec<String> {
    let mut identifiers = vec![source.identifier.clone()];
    if let SourceKind::Git { bundle: Some(_) } = &source.kind {
        identifiers.extend(source.attrs.get(GIT_BUNDLE).cloned());
    }
    identifiers.retain(|identifier| !identifier.is_empty());
    identifiers
}
