//! An answer whose body has not been read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, StatusCode};
use refkit_content::ErrorKind;
use url::Url;

use crate::coding::{self, Coding};
use crate::failure;
use crate::gate::Permit;

/// The head of an answer, and the body on its way. The turn at the host's gate is kept until the body is read or given
/// up: nobody asks the same host while he has one.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where the answer came from, after redirects.
    pub(crate) url: Url,
    /// Whether it came from another origin than was asked.
    pub(crate) elsewhere: bool,
    /// How the body is coded.
    pub(crate) coding: Coding,
    pub(crate) response: reqwest::Response,
    pub(crate) idle: Duration,
    pub(crate) permit: Option<Permit>,
}

/// An answer that has been read.
pub(crate) struct Whole {
    pub(crate) headers: HeaderMap,
    /// Where the answer came from, after redirects.
    pub(crate) url: Url,
    pub(crate) bytes: Bytes,
}

/// Returns a header's text.
pub(crate) fn text_of(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

impl Reply {
    /// Returns a header's text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        text_of(&self.headers, name)
    }

    /// Returns where the answer leads to.
    pub(crate) fn location(&self) -> Result<Url, ErrorKind> {
        let text =
            self.header(LOCATION).ok_or_else(|| ErrorKind::Malformed("a redirect without Location".to_owned()))?;
        self.url.join(text).map_err(|error| {
            ErrorKind::Malformed(format!("the Location {:?} is no URL: {error}", failure::printable(text)))
        })
    }

    /// Returns the number of bytes that the answer claims to have, of a HEAD as well. What is coded says how long it is
    /// coded, which tells nothing.
    pub(crate) fn length(&self) -> Option<u64> {
        if self.coding == Coding::Identity { self.claimed() } else { None }
    }

    fn claimed(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// Returns the answer as the content of so many bytes that was asked for. There are stores that say of a layer which
    /// is gzip itself that it is coded in gzip: it is as long as it has to be.
    pub(crate) fn of_size(mut self, size: u64) -> Self {
        if self.coding == Coding::Gzip && self.claimed() == Some(size) {
            self.coding = Coding::Identity;
        }
        self
    }

    /// Returns the answer itself where it is one, else what its refusal means.
    pub(crate) async fn success(self) -> Result<Self, ErrorKind> {
        if self.status.is_success() { Ok(self) } else { Err(self.refusal().await) }
    }

    /// Returns what a refusal means. What is no JSON of a bearable size tells nothing; the status does.
    pub(crate) async fn refusal(self) -> ErrorKind {
        let (status, headers, url) = (self.status, self.headers.clone(), self.url.clone());
        let body = self.bytes(failure::BODY_LIMIT).await.unwrap_or_default();
        failure::of_status(status, &headers, &body, &url)
    }

    /// Reads the body of at most so many bytes.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] as soon as there is one byte more, or is claimed to be.
    pub(crate) async fn bytes(self, limit: u64) -> Result<Bytes, ErrorKind> {
        if self.length().is_some_and(|length| length > limit) {
            return Err(ErrorKind::TooLarge { limit });
        }
        let mut pieces = self.stream();
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

    /// Returns the turn, for who keeps it longer than the body.
    pub(crate) fn take_turn(&mut self) -> Option<Permit> {
        self.permit.take()
    }

    /// Returns the body in pieces, each of which comes in time, without its coding.
    pub(crate) fn stream(self) -> BoxStream<'static, Result<Bytes, ErrorKind>> {
        let (idle, permit, url) = (self.idle, self.permit, self.url);
        let pieces = self.response.bytes_stream().boxed();
        let pieces = stream::unfold(Some((pieces, permit, url)), move |state| async move {
            let (mut pieces, permit, url) = state?;
            match tokio::time::timeout(idle, pieces.next()).await {
                Err(_) => Some((Err(ErrorKind::Timeout(idle)), None)),
                Ok(None) => None,
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some((pieces, permit, url)))),
                Ok(Some(Err(error))) => Some((Err(failure::of_transport(&error, idle, &url)), None)),
            }
        })
        .boxed();
        coding::decoded(self.coding, &self.headers, pieces)
    }
}
