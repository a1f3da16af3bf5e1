//! A request, and the state that its redirects and repetitions share.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use refkit_content::Error;
use url::Url;

use crate::endpoint::Endpoint;

/// A request to an [`Endpoint`], or to a URL that the endpoint names.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// The credentials. They are not among `headers`, so that the layer that follows redirects can drop them.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) body: RequestBody,
    pub(crate) repeat: Repeat,
    pub(crate) slot: Slot,
    /// How many bytes the server may store before it responds, besides the body.
    pub(crate) stores: u64,
}

/// The body of a request.
pub(crate) enum RequestBody {
    Empty,
    /// Bytes in memory, which can be sent again.
    Bytes(Bytes),
    /// A body that the client reads while it sends it, and cannot send again.
    Stream(Option<BoxStream<'static, Result<Bytes, Error>>>),
}

/// When the retry layer may send a request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// After every failure that may pass.
    Always,
    /// As `Always`, but not after status 500, after which the caller sends another request.
    Not500,
    /// Only after a response which says that the server has changed nothing.
    IfUndone,
    /// Never: the caller first has to request how much arrived.
    Never,
}

/// Which slot of the host's limiter a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The slot of its method: reading or writing.
    ByMethod,
    /// A slot for writing, whatever the method: the request is part of an upload.
    Write,
    /// None: the caller holds the slot of the body that this request continues.
    Held,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: RequestBody::Empty,
            repeat: Repeat::Always,
            slot: Slot::ByMethod,
            stores: 0,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn authorization(mut self, value: Option<HeaderValue>) -> Self {
        self.authorization = value;
        self
    }

    pub(crate) fn body(mut self, body: RequestBody) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    pub(crate) fn slot(mut self, slot: Slot) -> Self {
        self.slot = slot;
        self
    }

    pub(crate) fn stores(mut self, bytes: u64) -> Self {
        self.stores = bytes;
        self
    }

    /// Returns whether the request only reads.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Returns a second copy of the request; none if its body is a stream.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        let body = match &self.body {
            RequestBody::Empty => RequestBody::Empty,
            RequestBody::Bytes(bytes) => RequestBody::Bytes(bytes.clone()),
            RequestBody::Stream(_) => return None,
        };
        Some(Self {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            authorization: self.authorization.clone(),
            body,
            repeat: self.repeat,
            slot: self.slot,
            stores: self.stores,
        })
    }
}

/// The state that all hops and repetitions of one request share.
pub(crate) struct Context<'a> {
    /// The host that the caller asks. Its settings apply to its own origin; the hosts that it redirects to receive
    /// only what the settings allow.
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) purpose: Purpose,
    /// Whether a redirect has left the endpoint's origin. The redirect layer sets it, and nothing resets it, so that no
    /// credentials are sent even if a later redirect leads back.
    pub(crate) left_origin: bool,
    /// How often the retry layer has sent the request again. All hops share this number.
    pub(crate) repetitions: usize,
}

/// The purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Content of a repository.
    Repository,
    /// A token. The request itself holds a secret, so the server's certificate is always checked.
    Token,
}

impl<'a> Context<'a> {
    /// Returns the context of a request that has not been sent.
    pub(crate) fn new(endpoint: &'a Endpoint, purpose: Purpose) -> Self {
        Self { endpoint, purpose, left_origin: false, repetitions: 0 }
    }

    /// Returns whether a URL may receive the endpoint's headers, credentials and client certificate.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        !self.left_origin && self.endpoint.is_at(url)
    }
}
