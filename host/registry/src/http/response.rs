//! A response whose body has not been read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, StatusCode};
use refkit_content::ErrorKind;
use tokio::time::Instant;
use url::Url;

use super::coding::{self, Coding};
use super::failure;
use super::limiter::Permit;
use crate::text::printable;

type Pieces = BoxStream<'static, Result<Bytes, ErrorKind>>;

/// The head of a response, and its body, not yet read. The response holds its slot of the host's limiter until the
/// body is read or dropped, so the task that reads it must not send another request to the same host in the meantime.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The URL that returned the response, after redirects.
    pub(crate) url: Url,
    /// Whether that URL has another origin than the request of the caller.
    pub(crate) elsewhere: bool,
    /// How the body is coded.
    pub(crate) coding: Coding,
    /// The pieces of the body, each with a timeout.
    pub(crate) pieces: Pieces,
    /// The time for the whole body, if it is read as a document.
    pub(crate) document: Duration,
    pub(crate) permit: Option<Permit>,
}

/// A response with its whole body.
pub(crate) struct Whole {
    pub(crate) headers: HeaderMap,
    /// The URL that returned the response, after redirects.
    pub(crate) url: Url,
    pub(crate) bytes: Bytes,
}

/// Returns a header's text.
pub(crate) fn text_of(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

impl Response {
    /// Returns a header's text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        text_of(&self.headers, name)
    }

    /// Returns the URL in `Location`.
    pub(crate) fn location(&self) -> Result<Url, ErrorKind> {
        let lacking = || ErrorKind::Malformed(format!("status {} without Location", self.status));
        let text = self.header(LOCATION).ok_or_else(lacking)?;
        self.url
            .join(text)
            .map_err(|error| ErrorKind::Malformed(format!("the Location {:?} is no URL: {error}", printable(text))))
    }

    /// Returns the length that the response declares; a response to HEAD declares one as well. The length of a coded
    /// body is not that of the content, so this returns none for one.
    pub(crate) fn length(&self) -> Option<u64> {
        if self.coding == Coding::Identity { self.claimed() } else { None }
    }

    fn claimed(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// Returns the response to a request for content of this size. Some stores declare the coding gzip for a layer
    /// that is itself a gzip file: the length then equals the size, and the client does not decode the body.
    pub(crate) fn of_size(mut self, size: u64) -> Self {
        if self.coding == Coding::Gzip && self.claimed() == Some(size) {
            self.coding = Coding::Identity;
        }
        self
    }

    /// Returns the response if its status means success.
    ///
    /// # Errors
    /// The error of the status and the body.
    pub(crate) async fn success(self) -> Result<Self, ErrorKind> {
        if self.status.is_success() { Ok(self) } else { Err(self.refusal().await) }
    }

    /// Returns the error of a refusal. A body that is too large or no JSON adds nothing to the status.
    pub(crate) async fn refusal(self) -> ErrorKind {
        self.refused(failure::of_status).await
    }

    /// Returns the response to the push of a manifest if its status means success.
    ///
    /// # Errors
    /// The error of the status and the body, with the registry's details.
    pub(crate) async fn accepted(self) -> Result<Self, ErrorKind> {
        if self.status.is_success() { Ok(self) } else { Err(self.refused(failure::of_manifest).await) }
    }

    /// Returns the response to a request of an upload if its status means success.
    ///
    /// # Errors
    /// As [`Self::push_refusal`].
    pub(crate) async fn uploaded(self) -> Result<Self, ErrorKind> {
        if self.status.is_success() { Ok(self) } else { Err(self.push_refusal().await) }
    }

    /// Returns the error of a refused push of a blob: of the status and the body, with the registry's details.
    pub(crate) async fn push_refusal(self) -> ErrorKind {
        self.refused(failure::of_blob).await
    }

    async fn refused(self, error: fn(StatusCode, &HeaderMap, &[u8], &Url) -> ErrorKind) -> ErrorKind {
        let (status, headers, url) = (self.status, self.headers.clone(), self.url.clone());
        let body = self.bytes(failure::BODY_LIMIT).await.unwrap_or_default();
        error(status, &headers, &body, &url)
    }

    /// Reads the body of at most so many bytes, a document.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] as soon as the body exceeds the limit, or declares that it does; [`ErrorKind::Timeout`] if
    /// it does not come in time.
    pub(crate) async fn bytes(self, limit: u64) -> Result<Bytes, ErrorKind> {
        if self.length().is_some_and(|length| length > limit) {
            return Err(ErrorKind::TooLarge { limit });
        }
        let document = self.document;
        let mut pieces = in_time(document, self.stream());
        let mut bytes = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(ErrorKind::TooLarge { limit });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    /// Takes the limiter's slot out of the response, for a caller that holds it longer than the body.
    pub(crate) fn take_permit(&mut self) -> Option<Permit> {
        self.permit.take()
    }

    /// Returns the body in pieces, decoded. The stream holds the limiter's slot until its end or its first error.
    pub(crate) fn stream(self) -> Pieces {
        let state = Some((self.pieces, self.permit));
        let held = stream::unfold(state, |state| async move {
            let (mut pieces, permit) = state?;
            let piece = pieces.next().await?;
            let rest = piece.is_ok().then_some((pieces, permit));
            Some((piece, rest))
        });
        coding::decoded(self.coding, &self.headers, held.boxed())
    }
}

/// Returns pieces as long as the client waits for them no longer than this in all: a host may send a byte a second.
pub(crate) fn in_time(time: Duration, pieces: Pieces) -> Pieces {
    stream::unfold(Some((pieces, time)), move |state| async move {
        let (mut pieces, left) = state?;
        let begin = Instant::now();
        match tokio::time::timeout(left, pieces.next()).await {
            Err(_) => Some((Err(ErrorKind::Timeout(time)), None)),
            Ok(piece) => Some((piece?, Some((pieces, left.saturating_sub(begin.elapsed()))))),
        }
    })
    .boxed()
}

#[cfg(test)]
impl Response {
    /// Returns a response without headers, as a fake layer returns it.
    pub(crate) fn fake(status: u16, url: &Url, body: &'static str) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            url: url.clone(),
            elsewhere: false,
            coding: Coding::Identity,
            pieces: stream::once(async move { Ok(Bytes::from_static(body.as_bytes())) }).boxed(),
            document: Duration::from_secs(60),
            permit: None,
        }
    }

    /// Returns the response with another header.
    pub(crate) fn with(mut self, name: http::HeaderName, value: &str) -> Self {
        self.headers.append(name, value.parse().expect("a value"));
        self
    }
}
