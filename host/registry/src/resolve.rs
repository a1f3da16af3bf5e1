//! What a reference names: OCI distribution 1.1, section "Pulling manifests".

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Answer, Content, Error, Operation, Problem, Resolve};
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference};

use crate::authorize::Actions;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::hosts::Capabilities;
use crate::reply::{Whole, text_of};
use crate::transport::Call;

/// The media types of what can be resolved. The last one is for a clear answer: without it a registry refuses what it
/// has, and nobody learns that it is of another type.
pub(crate) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, */*";

/// What registries say of the digest of a manifest.
pub(crate) const DIGEST: &str = "docker-content-digest";

/// Returns whether a host may be asked what a reference names: by digest that is content like any other.
fn may_name(reference: &Reference) -> impl Fn(Capabilities) -> bool {
    let pinned = reference.digest().is_some();
    move |can| if pinned { can.pull } else { can.resolve }
}

#[async_trait]
impl Resolve for Client {
    async fn resolve(&self, reference: &Reference) -> Result<Answer<Descriptor>, Error> {
        let (client, wanted) = (self.clone(), reference.clone());
        let resolve = async move {
            let ask = |endpoint: Endpoint| {
                let (client, wanted) = (&client, &wanted);
                async move {
                    match client.head(&endpoint, wanted).await? {
                        Some(descriptor) => Ok(descriptor),
                        // A host that does not tell by HEAD tells by the content.
                        None => client.get(&endpoint, wanted).await.map(|content| content.descriptor),
                    }
                }
            };
            client.each((Operation::Resolve, &wanted), wanted.repository(), may_name(&wanted), ask).await
        };
        self.inner.resolving.join(reference.clone(), || resolve.boxed()).await
    }

    async fn pull(&self, reference: &Reference) -> Result<Answer<Content>, Error> {
        let (client, wanted) = (self.clone(), reference.clone());
        let pull = async move {
            let ask = |endpoint: Endpoint| {
                let (client, wanted) = (&client, &wanted);
                async move { client.get(&endpoint, wanted).await }
            };
            client.each((Operation::Pull, &wanted), wanted.repository(), may_name(&wanted), ask).await
        };
        self.inner.pulling.join(reference.clone(), || pull.boxed()).await
    }
}

impl Client {
    /// Returns the request for a manifest or its head.
    pub(crate) fn manifest(&self, endpoint: &Endpoint, reference: &Reference, method: Method) -> Result<Call, Problem> {
        let name = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => return Err(Problem::Malformed("there is neither a tag nor a digest".to_owned())),
        };
        let url = endpoint.url(&format!("manifests/{name}"))?;
        Ok(Call::new(method, url).header(ACCEPT, HeaderValue::from_static(ACCEPTED)))
    }

    /// Returns what a HEAD tells, where it tells enough.
    async fn head(&self, endpoint: &Endpoint, reference: &Reference) -> Result<Option<Descriptor>, Problem> {
        let call = self.manifest(endpoint, reference, Method::HEAD)?;
        let reply = self.inner.ask(endpoint, Actions::Pull, call).await?;
        // A refusal's reasons stand in a body, which a HEAD has not; and some refuse every HEAD.
        if matches!(reply.status.as_u16(), 400 | 403 | 405 | 501) {
            return Ok(None);
        }
        let reply = reply.success().await?;
        let told = digest_of(&reply.headers)?;
        if let (Some(wanted), Some(told)) = (reference.digest(), &told)
            && wanted.algorithm() == told.algorithm()
            && wanted != told
        {
            return Err(Problem::WrongDigest { expected: wanted.clone(), actual: told.to_string() });
        }
        let digest = reference.digest().cloned().or(told);
        let (Some(digest), Some(size), Some(media_type)) = (digest, reply.length(), media_type(&reply.headers)) else {
            return Ok(None);
        };
        if size > MANIFEST_LIMIT {
            return Err(Problem::TooLarge { limit: MANIFEST_LIMIT });
        }
        Ok(Some(Descriptor::new(media_type, digest, size)))
    }

    /// Returns the content, verified against the reference's digest and against what the registry says.
    async fn get(&self, endpoint: &Endpoint, reference: &Reference) -> Result<Content, Problem> {
        let call = self.manifest(endpoint, reference, Method::GET)?;
        let Whole { headers, bytes, .. } = self.inner.read(endpoint, call, MANIFEST_LIMIT).await?;
        let (told, media_type) = (digest_of(&headers)?, media_type(&headers));
        for digest in [reference.digest(), told.as_ref()].into_iter().flatten() {
            verify::check_digest(digest, &bytes)?;
        }
        let digest = reference.digest().cloned().or(told);
        let digest = digest.unwrap_or_else(|| verify::digest(Algorithm::Sha256, &bytes));
        let media_type = match media_type {
            Some(media_type) => media_type,
            None => own_media_type(&bytes)?,
        };
        Ok(Content { descriptor: Descriptor::new(media_type, digest, bytes.len() as u64), bytes })
    }
}

/// Returns the digest that a registry names, if it names one.
fn digest_of(headers: &HeaderMap) -> Result<Option<Digest>, Problem> {
    let parse = |text: &str| text.parse().map_err(|error| Problem::Malformed(format!("its {DIGEST}: {error}")));
    text_of(headers, DIGEST).map(parse).transpose()
}

/// Returns the media type without parameters, where there is one that says something.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = text_of(headers, CONTENT_TYPE)?;
    let bare = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!bare.is_empty() && bare != "application/octet-stream").then_some(bare)
}

fn own_media_type(bytes: &[u8]) -> Result<String, Problem> {
    match document::read(None, bytes, &Limits::default()) {
        Ok(Document::Index(index)) => Ok(index.media_type),
        Ok(Document::Manifest(manifest)) => Ok(manifest.media_type),
        Err(error) => Err(Problem::Malformed(format!("it came without a media type, and {error}"))),
    }
}
