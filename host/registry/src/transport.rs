//! One request, what repeats it, and its redirects.

mod watch;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use refkit_content::{Error, ErrorKind};
use url::Url;

use crate::client::Inner;
use crate::coding;
use crate::endpoint::{Endpoint, host_of, same_origin};
use crate::failure;
use crate::gate::Lane;
use crate::hosts::Tls;
use crate::reply::Reply;
use crate::retry::Waits;
use crate::tls::Way;
use watch::Watch;

/// The most redirects that are followed.
const REDIRECTS: usize = 5;

/// How many bytes of a request come through at least while a client waits for one piece of a body: 1 MiB, at 30 s one
/// that is slower than any line in use.
const SLOWEST: u64 = 1 << 20;

/// A request.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    repeat: Repeat,
    queue: Queue,
}

/// How a request waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// With those of its kind.
    Own,
    /// With what writes, whatever it is: it is part of an upload.
    Write,
    /// It has a turn: that of a body which it goes on with.
    Has,
}

/// When a request may be repeated by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Whenever that can help.
    Always,
    /// The same, but of a 500: that is asked for in another way instead.
    Not500,
    /// Where there was an answer that says that nothing was done.
    IfUndone,
    /// Not without looking first.
    Never,
}

/// What a request carries.
pub(crate) enum Content {
    /// Nothing.
    Nothing,
    /// Bytes, which can be sent again.
    Bytes(Bytes),
    /// A body on its way, which cannot.
    Stream(Option<BoxStream<'static, Result<Bytes, Error>>>),
}

impl Call {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            content: Content::Nothing,
            repeat: Repeat::Always,
            queue: Queue::Own,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    pub(crate) fn queue(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    /// Returns the same call once more, where it can be sent again.
    pub(crate) fn again(&self) -> Option<Self> {
        let content = match &self.content {
            Content::Nothing => Content::Nothing,
            Content::Bytes(bytes) => Content::Bytes(bytes.clone()),
            Content::Stream(_) => return None,
        };
        let (method, url, headers) = (self.method.clone(), self.url.clone(), self.headers.clone());
        Some(Self { method, url, headers, content, repeat: self.repeat, queue: self.queue })
    }
}

impl Inner {
    /// Sends a request and follows redirects of what only reads. `authorization` goes to the endpoint's origin and to
    /// nobody else: it is gone for good after the first redirect that leaves it. `secret` says that the request itself
    /// is one, as for a token.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        mut call: Call,
        mut authorization: Option<&HeaderValue>,
        secret: bool,
    ) -> Result<Reply, ErrorKind> {
        let reads = matches!(call.method, Method::GET | Method::HEAD);
        let asked = call.url.clone();
        let mut waits = self.waits(endpoint);
        let mut own = true;
        for _ in 0..=REDIRECTS {
            own &= endpoint.is_at(&call.url);
            if !own {
                authorization = None;
            }
            let reply = self.repeat(endpoint, &mut call, authorization, (own, secret), &mut waits).await?;
            let redirect = matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308);
            if !redirect || !reads {
                return Ok(Reply { elsewhere: !same_origin(&reply.url, &asked), ..reply });
            }
            let target = reply.location()?;
            endpoint.may_lead_to(&target)?;
            if call.url.scheme() == "https" && target.scheme() == "http" {
                return Err(ErrorKind::Malformed(format!("{} redirects to http", host_of(&call.url))));
            }
            call.url = target;
        }
        Err(ErrorKind::Malformed(format!("{} redirects more than {REDIRECTS} times", endpoint.name())))
    }

    /// Returns the waits between repetitions of a request to a host.
    pub(crate) fn waits(&self, endpoint: &Endpoint) -> Waits {
        let retries = self.settings.retries;
        if endpoint.last { retries } else { retries.of_a_mirror() }.begin()
    }

    /// Sends a request until there is an answer that stands.
    async fn repeat(
        &self,
        endpoint: &Endpoint,
        call: &mut Call,
        authorization: Option<&HeaderValue>,
        (own, secret): (bool, bool),
        waits: &mut Waits,
    ) -> Result<Reply, ErrorKind> {
        loop {
            let again = call.again();
            let outcome = self.once(endpoint, call, authorization, (own, secret)).await;
            let (problem, status) = match outcome {
                Ok(reply) if call.repeat == Repeat::Not500 && reply.status == StatusCode::INTERNAL_SERVER_ERROR => {
                    return Ok(reply);
                }
                Ok(reply) if failure::is_passing(reply.status) => {
                    let status = reply.status.as_u16();
                    (reply.refusal().await, Some(status))
                }
                Ok(reply) => return Ok(reply),
                Err(problem) => (problem, None),
            };
            let answered = !matches!(problem, ErrorKind::Unreachable(_));
            let may = match call.repeat {
                Repeat::Always | Repeat::Not500 => true,
                Repeat::IfUndone => matches!(status, Some(408 | 429 | 503)),
                Repeat::Never => false,
            };
            let Some(again) = again.filter(|_| may) else { return Err(problem) };
            // Another host is nearer than a connection that may come back.
            if !endpoint.last && !answered {
                return Err(problem);
            }
            let Some(wait) = waits.after(&problem) else { return Err(problem) };
            if let ErrorKind::RateLimited { .. } = problem {
                self.gate(endpoint, &call.url).close(wait);
            }
            tokio::time::sleep(wait).await;
            *call = again;
        }
    }

    async fn once(
        &self,
        endpoint: &Endpoint,
        call: &mut Call,
        authorization: Option<&HeaderValue>,
        (own, secret): (bool, bool),
    ) -> Result<Reply, ErrorKind> {
        let timeouts = self.settings.timeouts;
        let mut tls: Option<Tls> = (call.url.scheme() == "https").then(|| endpoint.tls_at(&call.url, secret));
        if let Some(tls) = tls.as_mut().filter(|_| !own) {
            tls.identities.clear();
        }
        let connect = endpoint.host.connect.filter(|_| own).unwrap_or(timeouts.connect);
        let way = Way { tls, connect, leash: endpoint.leash_at(&call.url) };
        let client = self.clients.get(way, &self.settings).await?;
        let lane = match call.method {
            _ if secret => Lane::Token,
            Method::GET | Method::HEAD if call.queue != Queue::Write => Lane::Read,
            _ => Lane::Write,
        };
        let gate = self.gate(endpoint, &call.url);
        let permit = if call.queue == Queue::Has {
            gate.pass().await;
            None
        } else {
            Some(gate.enter(lane).await?)
        };

        let mut request = client.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
        // Without it a server may choose any coding.
        request = request.header(ACCEPT_ENCODING, "identity");
        if own {
            for (name, value) in &endpoint.host.headers {
                request = request.header(name, value);
            }
        }
        if let Some(value) = authorization {
            // In place of one that a file has for the host.
            request = request.headers([(AUTHORIZATION, value.clone())].into_iter().collect());
        }
        let mut patience = connect.saturating_add(timeouts.head);
        if let Content::Bytes(bytes) = &call.content {
            let pieces = u32::try_from(bytes.len() as u64 / SLOWEST).unwrap_or(u32::MAX);
            patience = patience.saturating_add(timeouts.idle.saturating_mul(pieces));
        }
        let mut watch = None;
        match &mut call.content {
            Content::Nothing => {}
            Content::Bytes(bytes) => request = request.body(bytes.clone()),
            Content::Stream(body) => {
                let watched = Watch::over(body.take().unwrap_or_else(|| stream::empty().boxed()));
                request = request.body(reqwest::Body::wrap_stream(watched.0));
                watch = Some(watched.1);
            }
        }
        let response = match watch {
            // A body takes as long as whoever it comes from takes; a host that does not take it is given up.
            Some(watch) => tokio::select! {
                response = request.send() => response,
                () = watch.stuck(patience.saturating_add(timeouts.idle)) => return Err(ErrorKind::Timeout(patience)),
            },
            None => tokio::time::timeout(patience, request.send()).await.map_err(|_| ErrorKind::Timeout(patience))?,
        };
        let response = response.map_err(|error| failure::of_transport(&error, connect, &call.url))?;
        // Where nothing is to come, the turn is over.
        let empty = call.method == Method::HEAD || response.content_length() == Some(0);
        Ok(Reply {
            status: response.status(),
            headers: response.headers().clone(),
            url: call.url.clone(),
            elsewhere: false,
            coding: coding::of(response.headers()),
            response,
            idle: timeouts.idle,
            permit: permit.filter(|_| !empty),
        })
    }

    /// Returns the gate of a URL's host. The settings of the endpoint's host are for that one.
    fn gate(&self, endpoint: &Endpoint, url: &Url) -> std::sync::Arc<crate::gate::Gate> {
        let (concurrency, rate) = match endpoint.is_at(url) {
            true => (endpoint.host.concurrency, endpoint.host.rate),
            false => (None, None),
        };
        self.gates.of(url.origin(), concurrency, rate)
    }
}
