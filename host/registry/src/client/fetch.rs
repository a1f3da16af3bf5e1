//! Content by digest: OCI distribution 1.1, sections "Pulling manifests" and "Pulling blobs".

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Body, Error, ErrorKind, Fetch, Operation, WithOrigin};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Repository};

use super::resolve::content_type;
use super::{About, Client, page};
use crate::auth::Actions;
use crate::endpoint::Endpoint;
use crate::http::{Request, in_time};

#[async_trait]
impl Fetch for Client {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let about = About::new(Operation::Fetch, &subject);
        let ask = |endpoint: Endpoint| async move {
            let request = request(&endpoint, descriptor)?;
            let again = request.try_clone();
            let response =
                self.send(&endpoint, Actions::Pull, request).await?.success().await?.of_size(descriptor.size);
            if let Some(actual) = response.length().filter(|length| *length != descriptor.size) {
                return Err(match page::is_html(content_type(&response.headers).as_deref(), b"") {
                    true => page::instead_of("the content"),
                    false => ErrorKind::WrongSize { expected: descriptor.size, actual },
                });
            }
            if endpoint.last || descriptor.size > MANIFEST_LIMIT {
                let document = media_type::is_document(&descriptor.media_type).then_some(response.document);
                let body = self.resuming(endpoint, again, descriptor.size, response);
                return Ok(match document {
                    Some(time) => in_time(time, body),
                    None => body,
                });
            }
            // Small content is verified before the client returns, so that another host can still be asked.
            let bytes = response.bytes(descriptor.size).await?;
            verify::check(descriptor, &bytes)?;
            Ok(stream::once(async move { Ok(bytes) }).boxed())
        };
        let WithOrigin { value: stream, origin } = self.each(about, repository, |can| can.pull, ask).await?;
        let host = origin.clone();
        let stream =
            stream.map(move |piece| piece.map_err(|kind| Error::new(Operation::Fetch, &subject, kind).at(&host)));
        Ok(Body { origin, stream: stream.boxed() })
    }
}

fn request(endpoint: &Endpoint, descriptor: &Descriptor) -> Result<Request, ErrorKind> {
    let (kind, accept) = if media_type::is_document(&descriptor.media_type) {
        // The response must have the media type of the descriptor.
        ("manifests", HeaderValue::from_str(&descriptor.media_type).ok())
    } else {
        ("blobs", None)
    };
    let request = Request::new(Method::GET, endpoint.url(&format!("{kind}/{}", descriptor.digest))?);
    Ok(match accept {
        Some(accept) => request.header(ACCEPT, accept),
        None => request,
    })
}
