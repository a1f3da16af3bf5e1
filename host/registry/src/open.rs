//! Content by digest: OCI distribution 1.1, sections "Pulling manifests" and "Pulling blobs".

use async_trait::async_trait;
use futures_util::StreamExt as _;
use http::header::ACCEPT;
use http::{HeaderValue, Method};
use refkit_content::{Body, Error, Fetch, Operation, Problem};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Repository};

use crate::authorize::Actions;
use crate::client::{About, Client};
use crate::transport::Call;

#[async_trait]
impl Fetch for Client {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let endpoint = self.endpoint(repository);
        let endpoint = endpoint.map_err(|problem| Error::new(Operation::Fetch, &subject, problem))?;
        let about = About { operation: Operation::Fetch, subject: &subject, endpoint: &endpoint };
        let fail = |problem| about.error(problem);

        let (kind, accept) = if media_type::is_document(&descriptor.media_type) {
            // What it was called is what it has to be.
            ("manifests", HeaderValue::from_str(&descriptor.media_type).ok())
        } else {
            ("blobs", None)
        };
        let url = endpoint.url(&format!("{}/{kind}/{}", repository.path(), descriptor.digest)).map_err(fail)?;
        let mut call = Call::new(Method::GET, url);
        if let Some(accept) = accept {
            call = call.header(ACCEPT, accept);
        }
        let reply = self.inner.ask(&endpoint, repository, Actions::Pull, call).await.map_err(fail)?;
        let reply = reply.success().await.map_err(fail)?;
        if let Some(actual) = reply.length().filter(|length| *length != descriptor.size) {
            return Err(fail(Problem::WrongSize { expected: descriptor.size, actual }));
        }
        let (origin, host) = (about.origin(), endpoint.host());
        let stream = reply
            .stream()
            .map(move |piece| piece.map_err(|problem| Error::new(Operation::Fetch, &subject, problem).at(&host)));
        Ok(Body { origin, stream: stream.boxed() })
    }
}
