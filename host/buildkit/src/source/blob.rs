//! Content by its digest: BuildKit builds a definition of one source, and the result has the content as its file.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Body, Error, ErrorKind, Fetch, Operation, Origin};
use refkit_oci::{Descriptor, Digest, Repository};

use super::{HOST, Inner};
use crate::capabilities::IMAGE_BLOB;
use crate::definition;
use crate::failure::kind_of;
use crate::pb::{self, result};

/// The most bytes of one `ReadFile`: 2 MiB. BuildKit limits a message to 16 MiB, and manifests have some KiB.
const PIECE: u64 = 2 << 20;

/// The media type of content whose type the source does not know.
const UNKNOWN: &str = "application/octet-stream";

/// The text of BuildKit's error where a registry has neither a blob nor a manifest with a digest.
const NEITHER: &str = "unexpected HEAD status code";

/// The kind of content. Registries serve the two kinds differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentKind {
    /// A manifest or an index.
    Document,
    /// Anything else.
    Blob,
}

/// A request for content. The size is the descriptor's, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BlobKey {
    pub repository: Repository,
    pub digest: Digest,
    pub size: Option<u64>,
}

impl Inner {
    /// Returns verified content of at most [`MANIFEST_LIMIT`] bytes, and its origin. `what` describes it for people.
    pub async fn content(
        self: &Arc<Self>,
        key: BlobKey,
        kind: ContentKind,
        what: String,
    ) -> Result<(Bytes, Origin), ErrorKind> {
        if let Some(bytes) = self.record.content(&key.repository, &key.digest) {
            return Ok((bytes, Origin::Cache));
        }
        let (inner, request) = (Arc::clone(self), key.clone());
        let unverified = Unverified { inner, kind, what };
        let bytes = self.blobs.join(key, || read_verified(unverified, request).boxed()).await?;
        Ok((bytes, Origin::Host(HOST.into())))
    }

    /// Builds a definition of one source, and returns the id of the result.
    async fn solve(&self, source: pb::SourceOp, kind: ContentKind, what: &str) -> Result<String, ErrorKind> {
        let name = format!("{} read {what}", self.options.prefix);
        let request = pb::SolveRequest {
            definition: Some(definition::single(source, &name, &[IMAGE_BLOB])),
            allow_result_return: true,
            allow_result_array_ref: true,
            evaluate: true,
            ..Default::default()
        };
        let response = self.call(self.bridge.solve(request)).await.map_err(|(status, time)| {
            let error = kind_of(&status, time);
            let neither = matches!(error, ErrorKind::NotFound) || status.message().contains(NEITHER);
            if neither && kind == ContentKind::Document { unreadable() } else { error }
        })?;
        match response.into_view().result.and_then(|result| result.result) {
            Some(result::Result::Ref(pb::Ref { id, .. }) | result::Result::RefDeprecated(id)) if !id.is_empty() => {
                Ok(id)
            }
            _ => Err(ErrorKind::Malformed("BuildKit's answer is malformed: it has no result".to_owned())),
        }
    }
}

/// Returns the error for a document that BuildKit cannot read. Registries that derive from the CNCF's (Docker Hub, ghcr.io,
/// Azure, GitLab and others) return an OCI manifest only for a request that accepts its media type, and BuildKit sends no
/// media type where it reads content by digest (0.34.2; containerd's `FetchByDigest`).
fn unreadable() -> ErrorKind {
    let text = "the registry does not show it to BuildKit: it is missing there, or it is an OCI manifest or index and the \
        registry wants its media type named, which BuildKit does not do for docker-image+blob";
    ErrorKind::Unsupported(text.to_owned())
}

/// Returns verified content of at most [`MANIFEST_LIMIT`] bytes, and keeps it.
async fn read_verified(unverified: Unverified, key: BlobKey) -> Result<Bytes, ErrorKind> {
    let BlobKey { repository, digest, size } = key;
    let bytes = match size {
        Some(size) => {
            let descriptor = Descriptor::new(UNKNOWN, digest.clone(), size);
            verify::fetch(&unverified, &repository, &descriptor, MANIFEST_LIMIT).await.map_err(|e| e.kind)?.value
        }
        None => unverified.whole(&repository, &digest, MANIFEST_LIMIT).await?,
    };
    unverified.inner.record.keep(&repository, &digest, &bytes);
    Ok(bytes)
}

/// Content as BuildKit sends it, before verification.
pub(super) struct Unverified {
    pub inner: Arc<Inner>,
    pub kind: ContentKind,
    /// The description of the content for people.
    pub what: String,
}

impl Unverified {
    /// Returns content that matches a digest. The source knows nothing else of it.
    pub(super) async fn whole(&self, repository: &Repository, digest: &Digest, limit: u64) -> Result<Bytes, ErrorKind> {
        let pieces = self.pieces(repository, digest, limit).await?;
        let all = pieces.try_fold(BytesMut::new(), |mut bytes, piece| async move {
            bytes.extend_from_slice(&piece);
            Ok(bytes)
        });
        let bytes = all.await?;
        if bytes.len() as u64 > limit {
            return Err(ErrorKind::TooLarge { limit });
        }
        verify::check_digest(digest, &bytes)?;
        Ok(bytes.freeze())
    }

    /// Returns content in pieces. Of content that is longer than `size`, they have one byte more.
    async fn pieces(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, ErrorKind>>, ErrorKind> {
        let source = self.inner.record.repository(repository)?.blob(digest);
        let id = self.inner.solve(source, self.kind, &self.what).await?;
        // BuildKit names the file by the digest where the source names no other name.
        let file = File { inner: Arc::clone(&self.inner), id, path: digest.hex().to_owned() };
        let pieces = stream::try_unfold(Some((file, 0)), move |state| async move {
            let Some((file, offset)) = state else { return Ok(None) };
            let wanted = size.saturating_add(1).saturating_sub(offset).min(PIECE);
            if wanted == 0 {
                return Ok(None);
            }
            let piece = file.read(offset, wanted).await?;
            let (length, next) = (piece.len() as u64, offset + piece.len() as u64);
            let state = (length == wanted).then_some((file, next));
            Ok((length > 0).then_some((piece, state)))
        });
        Ok(pieces.boxed())
    }
}

#[async_trait]
impl Fetch for Unverified {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let fail = move |error| Error::new(Operation::Fetch, &subject, error).at(HOST);
        match self.pieces(repository, &descriptor.digest, descriptor.size).await {
            Ok(pieces) => Ok(Body { origin: Origin::Host(HOST.into()), stream: pieces.map_err(fail).boxed() }),
            Err(error) => Err(fail(error)),
        }
    }
}

/// A file of a result.
struct File {
    inner: Arc<Inner>,
    id: String,
    path: String,
}

impl File {
    /// Reads a range. The bytes are fewer than `length` only at the end of the file.
    async fn read(&self, offset: u64, length: u64) -> Result<Bytes, ErrorKind> {
        let too_far = || ErrorKind::Malformed("the content is longer than a file can be".to_owned());
        let offset = i64::try_from(offset).map_err(|_| too_far())?;
        let range = pb::FileRange { offset, length: i64::try_from(length).map_err(|_| too_far())? };
        let request = pb::ReadFileRequest {
            r#ref: self.id.clone(),
            file_path: self.path.clone(),
            range: Some(range),
            mount_index: 0,
        };
        let call = self.inner.call(self.inner.bridge.read_file(request));
        let data = call.await.map_err(|(status, time)| kind_of(&status, time))?.into_view().data;
        if data.len() as u64 > length {
            return Err(ErrorKind::Malformed(
                "BuildKit's answer is malformed: it is longer than what was asked for".to_owned(),
            ));
        }
        Ok(data)
    }
}
