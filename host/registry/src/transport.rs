//! One request, its redirects, and its answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use refkit_content::Problem;
use url::Url;

use crate::client::Inner;
use crate::endpoint::{Endpoint, host_of, same_origin};
use crate::failure;

/// The most redirects that are followed.
const REDIRECTS: usize = 5;

/// A request.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

/// What a request carries.
pub(crate) enum Content {
    /// Nothing.
    Nothing,
    /// Bytes, which can be sent again.
    Bytes(Bytes),
    /// A body on its way, which cannot.
    Stream(Option<reqwest::Body>),
}

impl Call {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), content: Content::Nothing }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// Returns the same call once more, where it can be sent again.
    pub(crate) fn again(&self) -> Option<Self> {
        let content = match &self.content {
            Content::Nothing => Content::Nothing,
            Content::Bytes(bytes) => Content::Bytes(bytes.clone()),
            Content::Stream(_) => return None,
        };
        Some(Self { method: self.method.clone(), url: self.url.clone(), headers: self.headers.clone(), content })
    }
}

/// An answer whose body has not been read.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where the answer came from, after redirects.
    pub(crate) url: Url,
    /// Whether it came from another origin than was asked.
    pub(crate) elsewhere: bool,
    response: reqwest::Response,
    idle: Duration,
}

impl Inner {
    /// Sends a request and follows redirects of what only reads. `authorization` goes to the endpoint's origin and to
    /// nobody else: it is gone for good after the first redirect that leaves it.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        mut call: Call,
        mut authorization: Option<&HeaderValue>,
    ) -> Result<Reply, Problem> {
        let reads = matches!(call.method, Method::GET | Method::HEAD);
        let asked = call.url.clone();
        for _ in 0..=REDIRECTS {
            if !same_origin(&call.url, &endpoint.base) {
                authorization = None;
            }
            let reply = self.send_once(&mut call, authorization).await?;
            let redirect = matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308);
            if !redirect || !reads {
                return Ok(Reply { elsewhere: !same_origin(&reply.url, &asked), ..reply });
            }
            let target = reply.location()?;
            endpoint.may_lead_to(&target)?;
            if call.url.scheme() == "https" && target.scheme() == "http" {
                return Err(Problem::Malformed(format!("{} redirects to http", host_of(&call.url))));
            }
            call.url = target;
        }
        Err(Problem::Malformed(format!("{} redirects more than {REDIRECTS} times", endpoint.host())))
    }

    async fn send_once(&self, call: &mut Call, authorization: Option<&HeaderValue>) -> Result<Reply, Problem> {
        let timeouts = self.settings.timeouts;
        let client = self.clients.get(call.url.scheme(), &self.settings).await?;
        let mut request = client.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let sends = !matches!(call.content, Content::Nothing);
        match &mut call.content {
            Content::Nothing => {}
            Content::Bytes(bytes) => request = request.body(bytes.clone()),
            Content::Stream(body) => request = request.body(body.take().unwrap_or_default()),
        }
        // A body takes as long as it takes; who sends it bounds that.
        let response = if sends {
            request.send().await
        } else {
            let patience = timeouts.connect + timeouts.head;
            tokio::time::timeout(patience, request.send()).await.map_err(|_| Problem::Timeout(patience))?
        };
        let response = response.map_err(|error| failure::of_transport(&error, timeouts.connect))?;
        Ok(Reply {
            status: response.status(),
            headers: response.headers().clone(),
            url: call.url.clone(),
            elsewhere: false,
            response,
            idle: timeouts.idle,
        })
    }
}

impl Reply {
    /// Returns a header's text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns where the answer leads to.
    pub(crate) fn location(&self) -> Result<Url, Problem> {
        let text = self.header(LOCATION).ok_or_else(|| Problem::Malformed("a redirect without Location".to_owned()))?;
        self.url.join(text).map_err(|error| {
            Problem::Malformed(format!("the Location {:?} is no URL: {error}", failure::printable(text)))
        })
    }

    /// Returns the number of bytes that the answer claims to have, of a HEAD as well.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// Returns the answer itself where it is one, else what its refusal means.
    pub(crate) async fn success(self) -> Result<Self, Problem> {
        if self.status.is_success() {
            return Ok(self);
        }
        let (status, headers) = (self.status, self.headers.clone());
        // What is no JSON of a bearable size tells nothing; the status does.
        let body = self.bytes(failure::BODY_LIMIT).await.unwrap_or_default();
        Err(failure::of_status(status, &headers, &body))
    }

    /// Reads the body of at most so many bytes.
    ///
    /// # Errors
    /// [`Problem::TooLarge`] as soon as there is one byte more, or is claimed to be.
    pub(crate) async fn bytes(self, limit: u64) -> Result<Bytes, Problem> {
        if self.length().is_some_and(|length| length > limit) {
            return Err(Problem::TooLarge { limit });
        }
        let mut pieces = self.stream();
        let mut bytes = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if (bytes.len() + piece.len()) as u64 > limit {
                return Err(Problem::TooLarge { limit });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    /// Returns the body in pieces, each of which comes in time.
    pub(crate) fn stream(self) -> BoxStream<'static, Result<Bytes, Problem>> {
        let idle = self.idle;
        let pieces = self.response.bytes_stream().boxed();
        stream::unfold(Some(pieces), move |pieces| async move {
            let mut pieces = pieces?;
            match tokio::time::timeout(idle, pieces.next()).await {
                Err(_) => Some((Err(Problem::Timeout(idle)), None)),
                Ok(None) => None,
                Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
                Ok(Some(Err(error))) => Some((Err(failure::of_transport(&error, idle)), None)),
            }
        })
        .boxed()
    }
}
