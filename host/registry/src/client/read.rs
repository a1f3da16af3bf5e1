//! Documents that are read as a whole.

use bytes::Bytes;
use http::StatusCode;
use refkit_content::ErrorKind;

use super::Client;
use crate::auth::Actions;
use crate::endpoint::Endpoint;
use crate::http::failure::BODY_LIMIT;
use crate::http::{Request, Whole};

impl Client {
    /// Reads a document of at most so many bytes. If its body breaks, the client requests it again.
    pub(super) async fn read(&self, endpoint: &Endpoint, request: Request, limit: u64) -> Result<Whole, ErrorKind> {
        self.read_unless(endpoint, request, limit, |_| false).await?.map_err(|_| ErrorKind::NotFound)
    }

    /// Reads a document as [`Self::read`] does; returns the body of the response if `lacks` says that this status means no
    /// such document.
    pub(super) async fn read_unless(
        &self,
        endpoint: &Endpoint,
        mut request: Request,
        limit: u64,
        lacks: impl Fn(StatusCode) -> bool,
    ) -> Result<Result<Whole, Bytes>, ErrorKind> {
        let mut waits = self.inner.retries.waits(endpoint);
        loop {
            let again = request.try_clone();
            let response = match self.send(endpoint, Actions::Pull, request).await {
                Ok(response) => response,
                Err(ErrorKind::NotFound) if lacks(StatusCode::NOT_FOUND) => return Ok(Err(Bytes::new())),
                Err(error) => return Err(error),
            };
            if lacks(response.status) {
                return Ok(Err(response.bytes(BODY_LIMIT).await.unwrap_or_default()));
            }
            let response = response.success().await?;
            let (headers, url) = (response.headers.clone(), response.url.clone());
            let error = match response.bytes(limit).await {
                Ok(bytes) => return Ok(Ok(Whole { headers, url, bytes })),
                Err(error) => error,
            };
            let (Some(again), Some(wait)) = (again, waits.after(&error)) else { return Err(error) };
            tokio::time::sleep(wait).await;
            request = again;
        }
    }
}
