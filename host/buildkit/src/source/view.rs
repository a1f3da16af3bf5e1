//! The content source for one wanted platform, which implements the traits of [`refkit_content`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, future};
use refkit_content::verify::MANIFEST_LIMIT;
use refkit_content::{Body, Content, Discover, Error, ErrorKind, Fetch, Operation, Resolve, WithOrigin};
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};
use tonic::Code;

use super::blob::{BlobKey, ContentKind, Unverified};
use super::meta::{MetaKey, Metadata};
use super::{HOST, Inner};
use crate::failure::{kind_of, printable};
use crate::pb;

/// The images of a build for one wanted platform: see [`super::BuildkitSource`]. Clones share them.
#[derive(Clone)]
pub struct PlatformSource {
    pub(super) inner: Arc<Inner>,
    /// The platform that policies see, normalised.
    pub(super) assumed: Platform,
    /// The platform of the calls; `None` is BuildKit's own.
    pub(super) named: Option<pb::Platform>,
    pub(super) resolve_mode: Arc<str>,
}

impl PlatformSource {
    /// Returns BuildKit's metadata of a reference: the root's digest, and the config of the image that BuildKit selects.
    /// Nothing else is known of an image whose index and manifests BuildKit cannot read.
    ///
    /// # Errors
    /// BuildKit's error; the conversion where a source policy of the build's options converts the reference.
    pub async fn metadata(&self, reference: &Reference) -> Result<Metadata, Error> {
        let answer = async {
            self.check().await?;
            self.inner.metadata(self.key(reference.clone())).await
        };
        answer.await.map_err(|error| Error::new(Operation::Resolve, reference, error).at(HOST))
    }

    /// Returns verified content of at most `limit` bytes, by its digest alone.
    ///
    /// # Errors
    /// BuildKit's error, [`ErrorKind::TooLarge`], and [`ErrorKind::WrongDigest`].
    pub async fn content(&self, repository: &Repository, digest: &Digest, limit: u64) -> Result<Bytes, Error> {
        let content = async {
            self.check().await?;
            let what = format!("{digest} of {repository}");
            let unverified = Unverified { inner: Arc::clone(&self.inner), kind: ContentKind::Blob, what };
            unverified.whole(repository, digest, limit).await
        };
        let subject = format!("{repository}@{digest}");
        content.await.map_err(|error| Error::new(Operation::Fetch, subject, error).at(HOST))
    }

    /// Returns the platform that policies see, normalised.
    pub fn platform(&self) -> &Platform {
        &self.assumed
    }

    async fn root(&self, reference: &Reference) -> Result<WithOrigin<Content>, ErrorKind> {
        self.check().await?;
        let inner = &self.inner;
        let metadata = inner.metadata(self.key(reference.clone()));
        let content = |digest: Digest| {
            let key = BlobKey { repository: reference.repository().clone(), digest, size: None };
            inner.content(key, ContentKind::Document, reference.to_string())
        };
        // With a digest, BuildKit reads the content while it resolves. An error of resolving still fails the request.
        let (digest, (bytes, origin)) = match reference.digest().cloned().or_else(|| inner.record.pinned(reference)) {
            Some(digest) => {
                let content = content(digest.clone()).map(Ok);
                (digest, future::try_join(metadata, content).await?.1?)
            }
            None => {
                let digest = metadata.await?.digest;
                (digest.clone(), content(digest).await?)
            }
        };
        let media_type = match document::read(None, &bytes, &Limits::default())? {
            Document::Index(index) => index.media_type,
            Document::Manifest(manifest) => manifest.media_type,
        };
        let descriptor = Descriptor::new(media_type, digest, bytes.len() as u64);
        Ok(WithOrigin { value: Content { descriptor, bytes }, origin })
    }

    fn key(&self, reference: Reference) -> MetaKey {
        MetaKey { reference, platform: self.named.clone(), resolve_mode: Arc::clone(&self.resolve_mode) }
    }

    /// Checks BuildKit's capabilities once for the build.
    async fn check(&self) -> Result<(), ErrorKind> {
        let inner = &self.inner;
        let ask = || async {
            let capabilities = inner.call(inner.bridge.ping()).await.map_err(|(status, time)| match status.code() {
                Code::Unimplemented => ErrorKind::Unsupported("the peer is no BuildKit".to_owned()),
                _ => kind_of(&status, time),
            })?;
            capabilities.check_images().map_err(|missing| ErrorKind::Unsupported(missing.to_string()))
        };
        inner.checked.get_or_try_init(ask).await.copied()
    }
}

impl fmt::Debug for PlatformSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformSource")
            .field("platform", &self.assumed)
            .field("named", &self.named.is_some())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Resolve for PlatformSource {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let answer = self.root(reference).await;
        let WithOrigin { value, origin } = answer.map_err(|p| Error::new(Operation::Resolve, reference, p).at(HOST))?;
        Ok(WithOrigin { value: value.descriptor, origin })
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.root(reference).await.map_err(|error| Error::new(Operation::Pull, reference, error).at(HOST))
    }
}

#[async_trait]
impl Fetch for PlatformSource {
    /// Returns content of at most 4 MiB as one verified piece, and longer content as BuildKit sends it.
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let fail = |error| Error::new(Operation::Fetch, &subject, error).at(HOST);
        self.check().await.map_err(fail)?;
        let what = format!("{} of {repository}", name(descriptor));
        let kind =
            if media_type::is_document(&descriptor.media_type) { ContentKind::Document } else { ContentKind::Blob };
        if descriptor.size > MANIFEST_LIMIT {
            return Unverified { inner: Arc::clone(&self.inner), kind, what }.open(repository, descriptor).await;
        }
        let (repository, digest) = (repository.clone(), descriptor.digest.clone());
        let key = BlobKey { repository, digest, size: Some(descriptor.size) };
        let (bytes, origin) = self.inner.content(key, kind, what).await.map_err(fail)?;
        Ok(Body::from_bytes(origin, bytes))
    }
}

#[async_trait]
impl Discover for PlatformSource {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        let text = "BuildKit lists no tags: name the tag in the policy";
        Err(Error::new(Operation::Tags, repository, ErrorKind::Unsupported(text.to_owned())).at(HOST))
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        _: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let text = "BuildKit lists no referrers: look at the attestations in the image's index";
        let subject = format!("{repository}@{subject}");
        Err(Error::new(Operation::Referrers, subject, ErrorKind::Unsupported(text.to_owned())).at(HOST))
    }
}

/// Returns the description of content for people.
fn name(descriptor: &Descriptor) -> String {
    let kind = match descriptor.media_type.as_str() {
        kind if media_type::is_index(kind) => "image index",
        kind if media_type::is_manifest(kind) => "manifest",
        kind if media_type::is_config(kind) => "config",
        kind => kind,
    };
    let platform = descriptor.platform.as_ref().map(|platform| format!(" for {platform}")).unwrap_or_default();
    printable(&format!("{kind}{platform}"))
}
