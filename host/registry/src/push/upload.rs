//! An upload that a registry has opened: its URL, how many bytes have arrived, and its end.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use http::{HeaderValue, Method, StatusCode};
use refkit_content::{ErrorKind, deadline};
use refkit_oci::Descriptor;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use super::check_digest;
use crate::auth::Actions;
use crate::client::{Client, DIGEST};
use crate::endpoint::{Endpoint, shown};
use crate::http::{Repeat, Request, RequestBody, Response, Slot};
use crate::text::printable;

/// The header with the smallest chunk that a registry accepts.
const LEAST: &str = "oci-chunk-min-length";

/// An open upload. Dropping it before its end cancels it in the background.
pub(super) struct Upload {
    client: Client,
    endpoint: Endpoint,
    location: Url,
    /// The smallest chunk other than the last, in bytes.
    pub(super) least: u64,
    /// Whether nothing of it remains at the registry.
    pub(super) ended: bool,
}

/// The result of sending a chunk.
pub(super) enum Patched {
    /// The number of bytes of the blob that the registry has now.
    Taken(u64),
    /// The chunk is too large for the registry or a proxy.
    TooLarge,
    /// It is unknown how many bytes the registry has.
    Unclear,
    /// The connection broke, or the registry failed.
    Broken(ErrorKind),
    /// The registry takes no chunks.
    Refused(ErrorKind),
}

impl Upload {
    /// Opens an upload.
    pub(super) async fn open(client: &Client, endpoint: &Endpoint) -> Result<Self, ErrorKind> {
        let url = endpoint.url("blobs/uploads/")?;
        let request = Request::new(Method::POST, url).header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let (client, endpoint) = (client.clone(), endpoint.clone());
        to_its_end(async move {
            let opened = async { client.send(&endpoint, Actions::Push, request).await?.uploaded().await };
            let response = client.within(opened).await?;
            Self::opened(&client, &endpoint, &response)
        })
        .await
    }

    /// Returns the upload that a response has opened. Its URL has to be at the registry, because its requests carry
    /// credentials (CVE-2026-50151).
    pub(super) fn opened(client: &Client, endpoint: &Endpoint, response: &Response) -> Result<Self, ErrorKind> {
        let location = place(endpoint, response)?;
        let least = response.header(LEAST).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let (client, endpoint) = (client.clone(), endpoint.clone());
        Ok(Self { client, endpoint, location, least, ended: false })
    }

    /// Sends a chunk that starts at a position of the blob.
    pub(super) async fn patch(&mut self, start: u64, chunk: Bytes) -> Result<Patched, ErrorKind> {
        let end = start + chunk.len() as u64;
        let range = HeaderValue::from_str(&format!("{start}-{}", end.saturating_sub(1)));
        let range = range.map_err(|error| ErrorKind::Other(error.to_string()))?;
        let request = Request::new(Method::PATCH, self.location.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_RANGE, range)
            .header(CONTENT_LENGTH, HeaderValue::from(chunk.len()))
            .body(RequestBody::Bytes(chunk))
            // The client first requests how much has arrived.
            .repeat(Repeat::Never);
        let response = match self.ask(request).await {
            Ok(response) => response,
            Err(error) if error.may_pass() => return Ok(Patched::Broken(error)),
            Err(error) => return Err(error),
        };
        match response.status {
            status if status.is_success() => {
                self.follow(&response)?;
                Ok(Patched::Taken(received(&response, start)?.unwrap_or(end)))
            }
            StatusCode::PAYLOAD_TOO_LARGE => Ok(Patched::TooLarge),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Patched::Unclear),
            StatusCode::NOT_IMPLEMENTED => Ok(Patched::Refused(refusal(response).await)),
            _ => match refusal(response).await {
                error @ (ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_)) => Err(error),
                error if error.may_pass() => Ok(Patched::Broken(error)),
                error => Ok(Patched::Refused(error)),
            },
        }
    }

    /// Requests how many bytes of the blob have arrived; the caller expects `start`.
    pub(super) async fn received(&mut self, start: u64) -> Result<u64, ErrorKind> {
        let asked = async { self.ask(Request::new(Method::GET, self.location.clone())).await?.success().await };
        let response = self.client.within(asked).await?;
        self.follow(&response)?;
        let what = "its response does not say how much of the upload it has";
        received(&response, start)?.ok_or_else(|| ErrorKind::Malformed(what.to_owned()))
    }

    /// Sends the blob, or the rest of it, and ends the upload. Distinguishes 413 from other refusals.
    pub(super) async fn put(
        &mut self,
        blob: &Descriptor,
        body: RequestBody,
        length: u64,
        repeat: Repeat,
    ) -> Result<(), Refusal> {
        let mut url = self.location.clone();
        url.query_pairs_mut().append_pair("digest", blob.digest.as_str());
        let request = Request::new(Method::PUT, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_LENGTH, HeaderValue::from(length))
            .body(body)
            // It reads all that it got before, to check the digest.
            .stores(blob.size.saturating_sub(length))
            .repeat(repeat);
        let response = self.ask(request).await.map_err(Refusal::Other)?;
        if response.status == StatusCode::PAYLOAD_TOO_LARGE {
            return Err(Refusal::TooLarge(refusal(response).await));
        }
        if response.status == StatusCode::NOT_FOUND {
            let said = format!("its upload is gone: {}", refusal(response).await);
            return Err(Refusal::Other(ErrorKind::Unavailable(said)));
        }
        let response = response.uploaded().await.map_err(Refusal::Other)?;
        check_digest(&blob.digest, response.header(DIGEST)).map_err(Refusal::Other)?;
        self.ended = true;
        Ok(())
    }

    /// Cancels the upload, so that nothing remains at the registry, and waits for that.
    pub(super) async fn cancel(mut self) {
        if let Some(cancelling) = self.cancelling() {
            _ = self.client.within(async { Ok(cancelling.await) }).await;
        }
    }

    /// Begins to cancel the upload, if it has not ended. The response is ignored.
    fn cancelling(&mut self) -> Option<JoinHandle<()>> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        let runtime = Handle::try_current().ok()?;
        let (client, endpoint) = (self.client.clone(), self.endpoint.clone());
        let request = Request::new(Method::DELETE, self.location.clone()).slot(Slot::Write);
        Some(runtime.spawn(async move {
            _ = client.within(client.send(&endpoint, Actions::Push, request)).await;
        }))
    }

    async fn ask(&self, request: Request) -> Result<Response, ErrorKind> {
        let request = request.slot(Slot::Write);
        self.client.send(&self.endpoint, Actions::Push, request).await
    }

    /// Takes the URL for the next request of the upload from a response.
    fn follow(&mut self, response: &Response) -> Result<(), ErrorKind> {
        if response.headers.contains_key(LOCATION) {
            self.location = place(&self.endpoint, response)?;
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        drop(self.cancelling());
    }
}

/// Runs a request that may open an upload. It goes on if the caller is dropped, because only its response says what to
/// cancel.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ErrorKind>> + Send + 'static,
) -> Result<T, ErrorKind> {
    let end = deadline::left().and_then(|left| Instant::now().checked_add(left));
    let work = work.in_current_span();
    let task = match end {
        Some(end) => tokio::spawn(deadline::within(end, work)),
        None => tokio::spawn(work),
    };
    task.await.unwrap_or_else(|error| Err(ErrorKind::Other(error.to_string())))
}

/// Why the registry did not take a blob.
pub(super) enum Refusal {
    /// The body is larger than the registry or a proxy accepts.
    TooLarge(ErrorKind),
    /// Any other error.
    Other(ErrorKind),
}

async fn refusal(response: Response) -> ErrorKind {
    match response.uploaded().await {
        Ok(_) => ErrorKind::Malformed("its response does not fit the request".to_owned()),
        Err(error) => error,
    }
}

fn place(endpoint: &Endpoint, response: &Response) -> Result<Url, ErrorKind> {
    let location = response.location()?;
    if endpoint.is_at(&location) && location.username().is_empty() && location.password().is_none() {
        return Ok(location);
    }
    Err(ErrorKind::Malformed(format!("its upload is at another host, {}, which receives nothing", shown(&location))))
}

/// Returns how many bytes of the blob the registry has, by the response's `Range`: `0-LAST`, and some registries write
/// `bytes=0-LAST`. `0-0` stands for no byte as well as for one; at the start of an upload it means none.
fn received(response: &Response, start: u64) -> Result<Option<u64>, ErrorKind> {
    let Some(text) = response.header(RANGE) else { return Ok(None) };
    let range = text.trim().strip_prefix("bytes=").unwrap_or(text.trim());
    let last = range.strip_prefix("0-").and_then(|last| last.parse::<u64>().ok());
    match last.and_then(|last| last.checked_add(1)) {
        Some(1) if start == 0 => Ok(Some(0)),
        Some(count) => Ok(Some(count)),
        None => Err(ErrorKind::Malformed(format!("its Range {:?} is none", printable(text)))),
    }
}
