//! The lowest layer: sends one request to the network and returns the response.
//!
//! - [`Transport`] is the interface that this layer and the ones above it share, [`Request`], [`Context`] and
//!   [`Response`] are what goes through it.
//! - `limiter` makes a request wait for its slot at the host; `tls` has the HTTP clients, which connect through `proxy`
//!   and look up names in `names`; `address` says where an address is.
//! - `watch` notices a server that no longer reads a body, `coding` decodes gzip, and `failure` and `broken` turn refusals
//!   and failed connections into errors, with the message that `said` reads.

pub(crate) mod address;
mod broken;
pub(crate) mod coding;
pub(crate) mod failure;
pub(crate) mod limiter;
pub(crate) mod names;
pub(crate) mod observer;
mod proxy;
mod request;
mod response;
mod said;
mod timeouts;
mod tls;
mod transport;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderValue, Method};
use refkit_content::{Error, ErrorKind};
use tracing::Instrument as _;
use url::Url;

use crate::endpoint::{Endpoint, host_of};
use crate::hosts::Tls;
use limiter::{Class, Limiters};
use names::{NamedBy, Names};
use observer::Observer;
use tls::{Clients, Route};
use watch::Watch;

pub use proxy::Proxies;
pub(crate) use request::{Context, Purpose, Repeat, Request, RequestBody, Slot};
pub(crate) use response::{Response, Whole, in_time, text_of};
pub(crate) use said::codes;
pub use timeouts::Timeouts;
pub(crate) use transport::Transport;

/// The target of the spans and events of requests, the same in all crates of the workspace: `refkit::request`,
/// `refkit::retry`, `refkit::cache`.
const REQUEST: &str = "refkit::request";

/// The most bytes of a request body that go without a look at whether the server reads them: 1 MiB, which a line takes
/// within the timeout for the head of the response.
const UNWATCHED: usize = 1 << 20;

/// The size of the pieces in which a server gets a longer one.
const PIECE: usize = 64 << 10;

/// The options of the HTTP layer.
pub(crate) struct HttpOptions {
    pub(crate) timeouts: Timeouts,
    pub(crate) proxies: Proxies,
    pub(crate) names: Arc<dyn Names>,
    /// Further root certificates (PEM).
    pub(crate) roots: Vec<u8>,
    pub(crate) system_roots: bool,
    /// Sees the end of each request.
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// Sends each request once, to the URL that it names.
///
/// The host's own headers, the request's credentials and the client certificate go to the endpoint's origin alone, and
/// to no host after a redirect has left it. A request first waits for its slot at the host. Connecting, the head of
/// the response and each piece of its body have a timeout each.
pub(crate) struct Http {
    options: HttpOptions,
    clients: Clients,
    limiters: Arc<Limiters>,
}

impl Http {
    pub(crate) fn new(options: HttpOptions, limiters: Arc<Limiters>) -> Self {
        Self { options, clients: Clients::default(), limiters }
    }

    /// Returns the route to the URL of a request.
    fn route(&self, url: &Url, context: &Context<'_>) -> Route {
        let (endpoint, own) = (context.endpoint, context.is_own(url));
        let mut tls = (url.scheme() == "https").then(|| tls_at(endpoint, url, context.purpose));
        if let Some(tls) = tls.as_mut().filter(|_| !own) {
            tls.identities.clear();
        }
        let connect = endpoint.host.connect.filter(|_| own).unwrap_or(self.options.timeouts.connect);
        Route { tls, connect, named_by: named_by(endpoint, url) }
    }
}

impl Transport for Http {
    /// Sends the request within a span `request`, and emits an event at its end. The trace leaves out the URL's query,
    /// because it may hold a token.
    async fn send(&self, request: Request, context: &mut Context<'_>) -> Result<Response, ErrorKind> {
        let (method, host, path) = (&request.method, host_of(&request.url), request.url.path());
        let span = tracing::debug_span!(target: REQUEST, "request", %method, %host, %path);
        let sending = async {
            let sent = self.send_once(request, context).await;
            if let Some(observer) = &self.options.observer {
                let status = sent.as_ref().ok().map(|response| response.status.as_u16());
                observer.requested(&context.endpoint.name(), status);
            }
            match &sent {
                Ok(response) => tracing::debug!(target: REQUEST, status = response.status.as_u16(), "response"),
                Err(error) => tracing::debug!(target: REQUEST, %error, "no response"),
            }
            sent
        };
        sending.instrument(span).await
    }
}

impl Http {
    async fn send_once(&self, request: Request, context: &Context<'_>) -> Result<Response, ErrorKind> {
        let timeouts = self.options.timeouts;
        let route = self.route(&request.url, context);
        let connect = route.connect;
        let client = self.clients.get(route, &self.options).await?;
        let limiter = self.limiters.at(context.endpoint, &request.url);
        let permit = match class_of(&request, context.purpose) {
            Some(class) => Some(limiter.acquire(class).await?),
            None => {
                limiter.pass().await;
                None
            }
        };

        let Request { method, url, mut headers, authorization, body, stores, .. } = request;
        if let RequestBody::Bytes(bytes) = &body {
            // It may be sent in pieces, and registries do not take the chunks of HTTP.
            headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        let mut sent = client.request(method.clone(), url.clone()).headers(headers);
        // Without this header a server may choose any coding.
        sent = sent.header(ACCEPT_ENCODING, "identity");
        if context.is_own(&url) {
            for (name, value) in &context.endpoint.host.headers {
                sent = sent.header(name, value);
            }
            if let Some(value) = authorization {
                // This replaces an `Authorization` that a file sets for the host.
                sent = sent.headers([(AUTHORIZATION, value)].into_iter().collect());
            }
        }
        let patience = connect.saturating_add(timeouts.head).saturating_add(watch::to_store(stores));
        let streamed = match body {
            RequestBody::Empty => None,
            RequestBody::Bytes(bytes) if bytes.len() <= UNWATCHED => {
                sent = sent.body(bytes);
                None
            }
            RequestBody::Bytes(bytes) => Some(in_pieces(bytes)),
            RequestBody::Stream(body) => Some(body.unwrap_or_else(|| stream::empty().boxed())),
        };
        let watch = streamed.map(Watch::over).map(|(body, watch)| (reqwest::Body::wrap_stream(body), watch));
        let response = match watch {
            // A request body takes as long as its source; the client gives up a server that stops reading it.
            Some((body, watch)) => {
                let patience = patience.saturating_add(timeouts.idle);
                tokio::select! {
                    response = sent.body(body).send() => response,
                    () = watch.stuck(patience) => return Err(ErrorKind::Timeout(patience)),
                }
            }
            None => tokio::time::timeout(patience, sent.send()).await.map_err(|_| ErrorKind::Timeout(patience))?,
        };
        let response = response.map_err(|error| broken::error(&error, connect, &url, self.options.proxies.of(&url)))?;
        // Without a body, the slot is free again.
        let empty = method == Method::HEAD || response.content_length() == Some(0);
        Ok(Response {
            status: response.status(),
            headers: response.headers().clone(),
            coding: coding::of(response.headers()),
            pieces: pieces(response, timeouts.idle, url.clone()),
            document: timeouts.document,
            url,
            elsewhere: false,
            permit: permit.filter(|_| !empty),
        })
    }
}

/// Returns a body in pieces.
fn in_pieces(mut bytes: Bytes) -> BoxStream<'static, Result<Bytes, Error>> {
    let pieces = std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE));
        (!piece.is_empty()).then_some(Ok(piece))
    });
    stream::iter(pieces).boxed()
}

/// Returns the limiter's class of a request, or none if the caller already holds a slot.
fn class_of(request: &Request, purpose: Purpose) -> Option<Class> {
    match (request.slot, purpose) {
        (Slot::Held, _) => None,
        (_, Purpose::Token) => Some(Class::Token),
        (Slot::ByMethod, _) if request.reads() => Some(Class::Read),
        (Slot::ByMethod | Slot::Write, _) => Some(Class::Write),
    }
}

/// Returns the host that has named the host of a URL; the addresses of its name are judged by that host. None for a
/// host from the settings.
fn named_by(endpoint: &Endpoint, url: &Url) -> Option<NamedBy> {
    if endpoint.base.is_none() && endpoint.is_at(url) {
        return None;
    }
    let base = endpoint.base.as_ref().unwrap_or(&endpoint.host.api).clone();
    Some(NamedBy { base, allowed: endpoint.host.allow_private.clone() })
}

/// Returns the settings of TLS for a URL that an endpoint leads to. The endpoint's certificate authorities are trusted
/// there as well, because hosts of one organisation often share them. Only the endpoint receives the client
/// certificate. If the client does not check the endpoint's certificate, it does not check the other host's either,
/// unless it sends a secret there.
pub(crate) fn tls_at(endpoint: &Endpoint, url: &Url, purpose: Purpose) -> Tls {
    let tls = &endpoint.host.tls;
    if endpoint.is_at(url) {
        return tls.clone();
    }
    let secret = purpose == Purpose::Token;
    let insecure = tls.insecure && (!secret || url.host() == endpoint.host.api.host());
    Tls { insecure, roots: tls.roots.clone(), identities: Vec::new() }
}

/// Returns the body of a response, with a timeout for each piece.
fn pieces(response: reqwest::Response, idle: Duration, url: Url) -> BoxStream<'static, Result<Bytes, ErrorKind>> {
    let pieces = Some((response.bytes_stream().boxed(), url));
    let pieces = stream::unfold(pieces, move |state| async move {
        let (mut pieces, url) = state?;
        match tokio::time::timeout(idle, pieces.next()).await {
            Err(_) => Some((Err(ErrorKind::Timeout(idle)), None)),
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some((pieces, url)))),
            Ok(Some(Err(error))) => Some((Err(broken::error(&error, idle, &url, None)), None)),
        }
    });
    pieces.boxed()
}
