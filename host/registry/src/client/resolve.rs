//! Resolves references: OCI distribution 1.1, section "Pulling manifests".

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Content, Error, ErrorKind, Operation, Resolve, WithOrigin};
use refkit_oci::document::{self, Document, DocumentError, Limits, media_type};
use refkit_oci::{Algorithm, Descriptor, Digest, Reference};

use super::{About, Client, page};
use crate::auth::Actions;
use crate::endpoint::Endpoint;
use crate::hosts::Capabilities;
use crate::http::{Repeat, Request, Whole, text_of};
use crate::text::printable;

/// The media types of manifests and indexes, and `*/*` for a clear error: without it a registry refuses content of another
/// type, and does not say which type it has.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, */*";

/// The header in which registries name the digest of a manifest.
pub(crate) const DIGEST: &str = "docker-content-digest";

/// Returns which hosts may resolve a reference. A reference with a digest names content, which every host may serve.
fn may_name(reference: &Reference) -> impl Fn(Capabilities) -> bool {
    let pinned = reference.digest().is_some();
    move |can| if pinned { can.pull } else { can.resolve }
}

#[async_trait]
impl Resolve for Client {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let (client, wanted) = (self.clone(), reference.clone());
        let resolve = async move {
            let ask = |endpoint: Endpoint| {
                let (client, wanted) = (&client, &wanted);
                async move {
                    match client.head(&endpoint, wanted).await? {
                        Some(descriptor) => Ok(descriptor),
                        // If the response to HEAD is not sufficient, the client requests the content.
                        None => client.get(&endpoint, wanted).await.map(|content| content.descriptor),
                    }
                }
            };
            client.each(About::new(Operation::Resolve, &wanted), wanted.repository(), may_name(&wanted), ask).await
        };
        self.inner.resolving.join(reference.clone(), || resolve.boxed()).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let (client, wanted) = (self.clone(), reference.clone());
        let pull = async move {
            let ask = |endpoint: Endpoint| {
                let (client, wanted) = (&client, &wanted);
                async move { client.get(&endpoint, wanted).await }
            };
            client.each(About::new(Operation::Pull, &wanted), wanted.repository(), may_name(&wanted), ask).await
        };
        self.inner.pulling.join(reference.clone(), || pull.boxed()).await
    }
}

impl Client {
    /// Returns the request for a manifest or its head.
    pub(crate) fn manifest(
        &self,
        endpoint: &Endpoint,
        reference: &Reference,
        method: Method,
    ) -> Result<Request, ErrorKind> {
        let name = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => return Err(ErrorKind::Malformed("there is neither a tag nor a digest".to_owned())),
        };
        let url = endpoint.url(&format!("manifests/{name}"))?;
        Ok(Request::new(method, url).header(ACCEPT, HeaderValue::from_static(ACCEPTED)))
    }

    /// Returns the descriptor from the response to a HEAD, or none if that response is not sufficient.
    async fn head(&self, endpoint: &Endpoint, reference: &Reference) -> Result<Option<Descriptor>, ErrorKind> {
        let request = self.manifest(endpoint, reference, Method::HEAD)?.repeat(Repeat::Not500);
        let response = match self.send(endpoint, Actions::Pull, request).await {
            Err(ErrorKind::NotFound) if endpoint.last => return Ok(None),
            response => response?,
        };
        // A registry puts the reasons of a refusal into a body, which a response to HEAD does not have. Some
        // registries refuse every HEAD, with any status, 404 among them. A mirror's 404 stands: the client asks the
        // next host instead, so that a miss at a mirror costs one request.
        let stands = match response.status {
            StatusCode::NOT_FOUND => !endpoint.last,
            status => status.is_success() || status == StatusCode::TOO_MANY_REQUESTS,
        };
        if !stands {
            return Ok(None);
        }
        let response = response.success().await?;
        let told = digest_of(&response.headers)?;
        if let (Some(wanted), Some(told)) = (reference.digest(), &told)
            && wanted.algorithm() == told.algorithm()
            && wanted != told
        {
            return Err(ErrorKind::WrongDigest { expected: wanted.clone(), actual: told.to_string() });
        }
        let digest = reference.digest().cloned().or(told);
        // An HTML page, such as a login, has a media type as well.
        let known = content_type(&response.headers).filter(|known| is_telling(known));
        // No manifest is empty; some servers return 0 to a HEAD if they do not know the length.
        let size = response.length().filter(|size| *size > 0);
        let (Some(digest), Some(size), Some(media_type)) = (digest, size, known) else {
            return Ok(None);
        };
        if size > MANIFEST_LIMIT {
            return Err(ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
        }
        Ok(Some(Descriptor::new(media_type, digest, size)))
    }

    /// Returns the content, verified against the digest of the reference and the digest in the response's header.
    async fn get(&self, endpoint: &Endpoint, reference: &Reference) -> Result<Content, ErrorKind> {
        let request = self.manifest(endpoint, reference, Method::GET)?;
        let Whole { headers, bytes, .. } = self.read(endpoint, request, MANIFEST_LIMIT).await?;
        let (told, media_type) = (digest_of(&headers)?, content_type(&headers));
        for digest in [reference.digest(), told.as_ref()].into_iter().flatten() {
            verify::check_digest(digest, &bytes).map_err(|error| match is_page(&headers, &bytes) {
                true => page::instead_of("a manifest"),
                false => error,
            })?;
        }
        let digest = reference.digest().cloned().or(told);
        let digest = digest.unwrap_or_else(|| verify::digest(Algorithm::Sha256, &bytes));
        let media_type = match media_type.filter(|known| is_telling(known)) {
            Some(_) if is_page(&headers, &bytes) && reference.digest().is_none() => {
                return Err(page::instead_of("a manifest"));
            }
            // Every manifest is a JSON object, and an empty body is none.
            Some(media_type) if !begins_object(&bytes) && reference.digest().is_none() => {
                let came = printable(&media_type);
                return Err(ErrorKind::Malformed(format!("it came as {came}, and is no JSON object")));
            }
            Some(media_type) => media_type,
            None => own_media_type(&headers, &bytes, reference.digest().is_some())?,
        };
        Ok(Content { descriptor: Descriptor::new(media_type, digest, bytes.len() as u64), bytes })
    }
}

/// Returns the digest in the header, if there is one.
fn digest_of(headers: &HeaderMap) -> Result<Option<Digest>, ErrorKind> {
    let parse = |text: &str| text.parse().map_err(|error| ErrorKind::Malformed(format!("its {DIGEST}: {error}")));
    text_of(headers, DIGEST).map(str::trim).filter(|text| !text.is_empty()).map(parse).transpose()
}

/// Returns the media type without parameters, if it is a specific one.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = text_of(headers, CONTENT_TYPE)?;
    let bare = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!bare.is_empty() && bare != "application/octet-stream").then_some(bare)
}

/// Returns whether a body may be a JSON object.
fn begins_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

fn is_page(headers: &HeaderMap, bytes: &[u8]) -> bool {
    page::is_html(content_type(headers).as_deref(), bytes)
}

/// Returns whether a media type is specific to manifests. `application/json` and `text/plain` may be the type of
/// anything.
fn is_telling(media_type: &str) -> bool {
    media_type::is_document(media_type)
        || (media_type::is_schema1(media_type) && media_type.starts_with("application/vnd."))
}

/// Returns the media type from the document itself, for content whose headers have no media type of a manifest.
/// Content that is no document is an error, unless the reference has its digest.
fn own_media_type(headers: &HeaderMap, bytes: &[u8], pinned: bool) -> Result<String, ErrorKind> {
    let came = content_type(headers);
    match (document::read(None, bytes, &Limits::default()), came) {
        (Ok(Document::Index(index)), _) => Ok(index.media_type),
        (Ok(Document::Manifest(manifest)), _) => Ok(manifest.media_type),
        (Err(_), Some(came)) if pinned => Ok(came),
        // Schema 1 names its own version; the reader returns the error for it.
        (Err(DocumentError::Unsupported(_)), Some(came)) if media_type::is_schema1(&came) => Ok(came),
        (Err(_), _) if is_page(headers, bytes) => Err(page::instead_of("a manifest")),
        (Err(error), None) => Err(ErrorKind::Malformed(format!("it came without a media type, and {error}"))),
        (Err(error), Some(came)) => {
            let came = printable(&came);
            Err(ErrorKind::Malformed(format!("it came as {came}, which is none of a manifest or index, and {error}")))
        }
    }
}
