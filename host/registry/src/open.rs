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

use crate::authorize::Actions;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::page;
use crate::resolve::content_type;
use crate::transport::Call;

#[async_trait]
impl Fetch for Client {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let about: (_, &(dyn std::fmt::Display + Sync)) = (Operation::Fetch, &subject);
        let ask = |endpoint: Endpoint| async move {
            let call = request(&endpoint, descriptor)?;
            let again = call.again();
            let reply = self.inner.ask(&endpoint, Actions::Pull, call).await?.success().await?.of_size(descriptor.size);
            if let Some(actual) = reply.length().filter(|length| *length != descriptor.size) {
                return Err(match page::is_html(content_type(&reply.headers).as_deref(), b"") {
                    true => page::instead_of("the content"),
                    false => ErrorKind::WrongSize { expected: descriptor.size, actual },
                });
            }
            if endpoint.last || descriptor.size > MANIFEST_LIMIT {
                return Ok(self.resuming(endpoint, again, descriptor.size, reply));
            }
            // What is small is looked at while there is still somebody else to ask.
            let bytes = reply.bytes(descriptor.size).await?;
            verify::check(descriptor, &bytes)?;
            Ok(stream::once(async move { Ok(bytes) }).boxed())
        };
        let WithOrigin { value: stream, origin } = self.each(about, repository, |can| can.pull, ask).await?;
        let host = origin.clone();
        let stream =
            stream.map(move |piece| piece.map_err(|problem| Error::new(Operation::Fetch, &subject, problem).at(&host)));
        Ok(Body { origin, stream: stream.boxed() })
    }
}

fn request(endpoint: &Endpoint, descriptor: &Descriptor) -> Result<Call, ErrorKind> {
    let (kind, accept) = if media_type::is_document(&descriptor.media_type) {
        // What it was called is what it has to be.
        ("manifests", HeaderValue::from_str(&descriptor.media_type).ok())
    } else {
        ("blobs", None)
    };
    let call = Call::new(Method::GET, endpoint.url(&format!("{kind}/{}", descriptor.digest))?);
    Ok(match accept {
        Some(accept) => call.header(ACCEPT, accept),
        None => call,
    })
}
