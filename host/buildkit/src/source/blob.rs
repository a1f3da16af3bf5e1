//! Content by its digest: a build of one source, and the file that comes of it.

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
use crate::failure::problem;
use crate::pb::{self, result};

/// The most bytes of one `ReadFile`: 2 MiB. BuildKit's limit for a message is 16 MiB; manifests have some KiB.
const PIECE: u64 = 2 << 20;

/// The name of content of which nothing but the digest is known.
const UNKNOWN: &str = "application/octet-stream";

/// What a registry says to BuildKit, which asks for blobs first and for manifests then, where it has neither.
const NEITHER: &str = "unexpected HEAD status code";

/// What is wanted, as far as registries make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A manifest or an index.
    Document,
    /// Anything else.
    Blob,
}

/// A question. The size is what a descriptor says, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BlobKey {
    pub repository: Repository,
    pub digest: Digest,
    pub size: Option<u64>,
}

impl Inner {
    /// Returns verified content of at most [`MANIFEST_LIMIT`] bytes, and where it came from. `what` is for people.
    pub async fn content(
        self: &Arc<Self>,
        key: BlobKey,
        wanted: Wanted,
        what: String,
    ) -> Result<(Bytes, Origin), ErrorKind> {
        if let Some(bytes) = self.record.content(&key.repository, &key.digest) {
            return Ok((bytes, Origin::Cache));
        }
        let (inner, question) = (Arc::clone(self), key.clone());
        let unverified = Unverified { inner, wanted, what };
        let bytes = self.blobs.join(key, || read_verified(unverified, question).boxed()).await?;
        Ok((bytes, Origin::Host(HOST.into())))
    }

    /// Builds the one source, and returns the result's id.
    async fn solve(&self, source: pb::SourceOp, wanted: Wanted, what: &str) -> Result<String, ErrorKind> {
        let name = format!("{} read {what}", self.options.prefix);
        let request = pb::SolveRequest {
            definition: Some(definition::single(source, &name, &[IMAGE_BLOB])),
            allow_result_return: true,
            allow_result_array_ref: true,
            evaluate: true,
            ..Default::default()
        };
        let answer = self.call(self.bridge.solve(request)).await.map_err(|(status, time)| {
            let problem = problem(&status, time);
            let neither = matches!(problem, ErrorKind::NotFound) || status.message().contains(NEITHER);
            if neither && wanted == Wanted::Document { unreadable() } else { problem }
        })?;
        match answer.into_view().result.and_then(|result| result.result) {
            Some(result::Result::Ref(pb::Ref { id, .. }) | result::Result::RefDeprecated(id)) if !id.is_empty() => {
                Ok(id)
            }
            _ => Err(ErrorKind::Malformed("BuildKit's answer is malformed: it has no result".to_owned())),
        }
    }
}

/// Registries that go by the CNCF's (Docker Hub, ghcr.io, Azure, GitLab and others) hand out an OCI manifest only to who
/// names its media type. BuildKit names none where it reads content by digest (0.34.2; containerd's `FetchByDigest`).
fn unreadable() -> ErrorKind {
    let text = "the registry does not show it to BuildKit: it is missing there, or it is an OCI manifest or index and the \
        registry wants its media type named, which BuildKit does not do for docker-image+blob";
    ErrorKind::Unsupported(text.to_owned())
}

/// Returns content of at most [`MANIFEST_LIMIT`] bytes, verified, and keeps it.
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

/// Content as BuildKit sends it.
pub(super) struct Unverified {
    pub inner: Arc<Inner>,
    pub wanted: Wanted,
    /// What it is, for people.
    pub what: String,
}

impl Unverified {
    /// Returns content of which nothing but the digest is known, checked against that.
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

    /// Returns content in pieces: at most `size` bytes and one more, which tells that there are too many.
    async fn pieces(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, ErrorKind>>, ErrorKind> {
        let place = self.inner.record.place(repository)?;
        let source = place.blob(digest);
        let id = self.inner.solve(source, self.wanted, &self.what).await?;
        // What BuildKit calls the file where nothing else is wanted.
        let file = File { inner: Arc::clone(&self.inner), id, path: digest.hex().to_owned() };
        let pieces = stream::try_unfold(Some((file, 0)), move |state| async move {
            let Some((file, offset)) = state else { return Ok(None) };
            let wanted = size.saturating_add(1).saturating_sub(offset).min(PIECE);
            if wanted == 0 {
                return Ok(None);
            }
            let piece = file.read(offset, wanted).await?;
            let (came, next) = (piece.len() as u64, offset + piece.len() as u64);
            let state = (came == wanted).then_some((file, next));
            Ok((came > 0).then_some((piece, state)))
        });
        Ok(pieces.boxed())
    }
}

#[async_trait]
impl Fetch for Unverified {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let fail = move |problem| Error::new(Operation::Fetch, &subject, problem).at(HOST);
        match self.pieces(repository, &descriptor.digest, descriptor.size).await {
            Ok(pieces) => Ok(Body { origin: Origin::Host(HOST.into()), stream: pieces.map_err(fail).boxed() }),
            Err(problem) => Err(fail(problem)),
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
    /// Reads a range; what comes is shorter only at the file's end.
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
        let data = call.await.map_err(|(status, time)| problem(&status, time))?.into_view().data;
        if data.len() as u64 > length {
            return Err(ErrorKind::Malformed(
                "BuildKit's answer is malformed: it is longer than what was asked for".to_owned(),
            ));
        }
        Ok(data)
    }
}
