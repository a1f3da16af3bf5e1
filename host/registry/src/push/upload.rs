//! An upload that a registry has opened: where it is, what it has got so far, and its end.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use http::{HeaderValue, Method, StatusCode};
use refkit_content::ErrorKind;
use refkit_oci::Descriptor;
use url::Url;

use super::check_digest;
use crate::authorize::Actions;
use crate::client::Client;
use crate::endpoint::{Endpoint, shown};
use crate::failure::printable;
use crate::reply::Reply;
use crate::resolve::DIGEST;
use crate::transport::{Call, Content, Queue, Repeat};

/// The least size of a chunk that a registry wants.
const LEAST: &str = "oci-chunk-min-length";

/// An upload on its way. One that is dropped before its end is cancelled in the background.
pub(super) struct Upload {
    client: Client,
    endpoint: Endpoint,
    location: Url,
    /// The least that a chunk may have that is not the last, in bytes.
    pub(super) least: u64,
    ended: bool,
}

/// What became of a chunk.
pub(super) enum Patched {
    /// The registry has so many bytes of the blob now.
    Taken(u64),
    /// The chunk is too large for somebody on the way.
    TooLarge,
    /// It is not known what the registry has.
    Unclear,
    /// The request broke, or the registry did.
    Broken(ErrorKind),
    /// The registry does not do this.
    Refused(ErrorKind),
}

impl Upload {
    /// Opens an upload.
    pub(super) async fn open(client: &Client, endpoint: &Endpoint) -> Result<Self, ErrorKind> {
        let url = endpoint.url("blobs/uploads/")?;
        let call = Call::new(Method::POST, url).header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let opened = async { client.inner.ask(endpoint, Actions::Push, call).await?.success().await };
        let reply = client.within(opened).await?;
        Self::opened(client, endpoint, &reply)
    }

    /// Takes up the upload that an answer has opened. It has to be at the registry: credentials go with it
    /// (CVE-2026-50151).
    pub(super) fn opened(client: &Client, endpoint: &Endpoint, reply: &Reply) -> Result<Self, ErrorKind> {
        let location = place(endpoint, reply)?;
        let least = reply.header(LEAST).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let (client, endpoint) = (client.clone(), endpoint.clone());
        Ok(Self { client, endpoint, location, least, ended: false })
    }

    /// Sends a chunk that begins at a byte of the blob.
    pub(super) async fn patch(&mut self, start: u64, chunk: Bytes) -> Result<Patched, ErrorKind> {
        let end = start + chunk.len() as u64;
        let range = HeaderValue::from_str(&format!("{start}-{}", end.saturating_sub(1)));
        let range = range.map_err(|error| ErrorKind::Other(error.to_string()))?;
        let call = Call::new(Method::PATCH, self.location.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_RANGE, range)
            .header(CONTENT_LENGTH, HeaderValue::from(chunk.len()))
            .content(Content::Bytes(chunk))
            // What has arrived of it is asked for first.
            .repeat(Repeat::Never);
        let reply = match self.ask(call).await {
            Ok(reply) => reply,
            Err(problem) if problem.may_pass() => return Ok(Patched::Broken(problem)),
            Err(problem) => return Err(problem),
        };
        match reply.status {
            status if status.is_success() => {
                self.follow(&reply)?;
                Ok(Patched::Taken(received(&reply, start)?.unwrap_or(end)))
            }
            StatusCode::PAYLOAD_TOO_LARGE => Ok(Patched::TooLarge),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Patched::Unclear),
            StatusCode::NOT_IMPLEMENTED => Ok(Patched::Refused(problem(reply).await)),
            _ => match problem(reply).await {
                problem @ (ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_)) => Err(problem),
                problem if problem.may_pass() => Ok(Patched::Broken(problem)),
                problem => Ok(Patched::Refused(problem)),
            },
        }
    }

    /// Asks how much of the blob, of which it should have so many bytes, has arrived.
    pub(super) async fn received(&mut self, start: u64) -> Result<u64, ErrorKind> {
        let asked = async { self.ask(Call::new(Method::GET, self.location.clone())).await?.success().await };
        let reply = self.client.within(asked).await?;
        self.follow(&reply)?;
        let what = "it does not say what it has of the upload";
        received(&reply, start)?.ok_or_else(|| ErrorKind::Malformed(what.to_owned()))
    }

    /// Sends the blob, or what is left of it, and has it put together. Tells 413 from other refusals.
    pub(super) async fn put(&mut self, blob: &Descriptor, content: Content, length: u64) -> Result<(), Refusal> {
        let mut url = self.location.clone();
        url.query_pairs_mut().append_pair("digest", blob.digest.as_str());
        let call = Call::new(Method::PUT, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_LENGTH, HeaderValue::from(length))
            .content(content)
            // One that broke may have been the end of the upload all the same.
            .repeat(Repeat::IfUndone);
        let reply = self.ask(call).await.map_err(Refusal::Other)?;
        if reply.status == StatusCode::PAYLOAD_TOO_LARGE {
            return Err(Refusal::TooLarge(problem(reply).await));
        }
        let reply = reply.success().await.map_err(Refusal::Other)?;
        check_digest(&blob.digest, reply.header(DIGEST)).map_err(Refusal::Other)?;
        self.ended = true;
        Ok(())
    }

    /// Gives the upload up, so that nothing stays behind. What the registry answers changes nothing.
    pub(super) async fn cancel(mut self) {
        self.ended = true;
        let cancel = self.ask(Call::new(Method::DELETE, self.location.clone()));
        _ = self.client.within(cancel).await;
    }

    async fn ask(&self, call: Call) -> Result<Reply, ErrorKind> {
        let call = call.queue(Queue::Write);
        self.client.inner.ask(&self.endpoint, Actions::Push, call).await
    }

    /// Goes where the next request of the upload is to be sent.
    fn follow(&mut self, reply: &Reply) -> Result<(), ErrorKind> {
        if reply.headers.contains_key(LOCATION) {
            self.location = place(&self.endpoint, reply)?;
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (client, endpoint) = (self.client.clone(), self.endpoint.clone());
        let call = Call::new(Method::DELETE, self.location.clone());
        runtime.spawn(async move {
            _ = client.inner.ask(&endpoint, Actions::Push, call).await;
        });
    }
}

/// Why a blob was not taken.
pub(super) enum Refusal {
    /// The body is larger than somebody on the way lets through.
    TooLarge(ErrorKind),
    /// Anything else.
    Other(ErrorKind),
}

async fn problem(reply: Reply) -> ErrorKind {
    match reply.success().await {
        Ok(_) => ErrorKind::Malformed("it answers what makes no sense here".to_owned()),
        Err(problem) => problem,
    }
}

fn place(endpoint: &Endpoint, reply: &Reply) -> Result<Url, ErrorKind> {
    let location = reply.location()?;
    if endpoint.is_at(&location) && location.username().is_empty() && location.password().is_none() {
        return Ok(location);
    }
    Err(ErrorKind::Malformed(format!("its upload is at another place, {}, which gets nothing", shown(&location))))
}

/// Returns how many bytes of the blob a registry says that it has: `Range` is `0-LAST`, and some write `bytes=0-LAST`.
/// None where it says nothing. `0-0` stands for nothing as well as for one byte; at the start it means nothing.
fn received(reply: &Reply, start: u64) -> Result<Option<u64>, ErrorKind> {
    let Some(text) = reply.header(RANGE) else { return Ok(None) };
    let last = text.rsplit_once('-').and_then(|(_, last)| last.trim().parse::<u64>().ok());
    match last.and_then(|last| last.checked_add(1)) {
        Some(1) if start == 0 => Ok(Some(0)),
        Some(count) => Ok(Some(count)),
        None => Err(ErrorKind::Malformed(format!("its Range {:?} is none", printable(text)))),
    }
}
