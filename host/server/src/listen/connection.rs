//! Serves one connection: HTTP/1.1 or HTTP/2, whichever the client speaks.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::socket::Stream;
use super::{Handler, Manner, Peer, stopped, tls};
use crate::body::Holding;
use crate::metrics::ConnectionGauge;

/// How often HTTP/2 asks a silent client whether it is still there, and how long that may take.
const PING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));

/// The most bytes of the head of a request.
const HEAD: usize = 64 << 10;

/// What a connection needs.
pub(super) struct Connection {
    pub(super) manner: Arc<Manner>,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) gauge: ConnectionGauge,
}

impl Connection {
    pub(super) async fn serve(self, stream: Stream) {
        let peer = |address, uid, certificate| Peer { address, uid, certificate, anonymous: self.manner.anonymous };
        match stream {
            Stream::Unix(stream) => {
                let uid = stream.peer_cred().ok().map(|other| other.uid());
                let peer = peer("unix".to_owned(), uid, None);
                self.http(stream, peer).await;
            }
            Stream::Tcp(stream, address) => match &self.manner.tls {
                None => {
                    let peer = peer(address.to_string(), None, None);
                    self.http(stream, peer).await;
                }
                Some(acceptor) => match timeout(self.manner.header_timeout, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        let peer = peer(address.to_string(), None, tls::names(stream.get_ref().1));
                        self.http(stream, peer).await;
                    }
                    Ok(Err(error)) => tracing::debug!(target: "refkit::server", %address, %error, "no TLS"),
                    Err(_) => tracing::debug!(target: "refkit::server", %address, "no TLS in time"),
                },
            },
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let Self { manner, handler, mut stop, gauge: _gauge } = self;
        let peer = Arc::new(peer);
        let activity = Arc::new(Mutex::new(Activity { active: 0, since: Instant::now(), has_asked: false }));
        let requests = Arc::clone(&activity);
        let service = service_fn(move |request: Request<Incoming>| {
            let active = Active::new(&requests);
            let responding = handler.handle(request, Arc::clone(&peer));
            async move {
                let response = responding.await;
                Ok::<_, Infallible>(response.map(|body| Holding::new(body, active).boxed_unsync()))
            }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        // `Activity` has the timeouts: hyper's own would also end connections that wait for their next request.
        builder.http1().header_read_timeout(None).max_buf_size(HEAD);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(HEAD as u32);
        builder.http2().keep_alive_interval(Some(PING.0)).keep_alive_timeout(PING.1);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut ending = None;
        loop {
            let deadline = activity.lock().deadline(&manner, ending);
            tokio::select! {
                // Errors are those of the client: it has gone, or speaks no HTTP.
                _ = connection.as_mut() => return,
                () = stopped(&mut stop), if ending.is_none() => {}
                () = sleep_until(deadline) => {
                    if !activity.lock().is_over(&manner, ending) {
                        continue;
                    }
                    if ending.is_some() {
                        return;
                    }
                }
            }
            ending = Some(Instant::now());
            connection.as_mut().graceful_shutdown();
        }
    }
}

/// What a connection does.
struct Activity {
    /// Requests whose responses have not ended.
    active: usize,
    /// When the last of them ended, or when the connection began.
    since: Instant,
    has_asked: bool,
}

impl Activity {
    /// Returns how long the connection may be without a request. One that ends waits for the client to close it.
    fn patience(&self, manner: &Manner, ending: Option<Instant>) -> Duration {
        if self.has_asked && ending.is_none() { manner.idle_timeout } else { manner.header_timeout }
    }

    fn start(&self, ending: Option<Instant>) -> Instant {
        ending.map_or(self.since, |ending| ending.max(self.since))
    }

    /// Returns when to look again.
    fn deadline(&self, manner: &Manner, ending: Option<Instant>) -> Instant {
        let patience = self.patience(manner, ending);
        if self.active > 0 { Instant::now() + patience } else { self.start(ending) + patience }
    }

    fn is_over(&self, manner: &Manner, ending: Option<Instant>) -> bool {
        self.active == 0 && self.start(ending) + self.patience(manner, ending) <= Instant::now()
    }
}

/// A request whose response has not ended.
struct Active {
    activity: Arc<Mutex<Activity>>,
}

impl Active {
    fn new(activity: &Arc<Mutex<Activity>>) -> Self {
        let mut present = activity.lock();
        present.active += 1;
        present.has_asked = true;
        Self { activity: Arc::clone(activity) }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut present = self.activity.lock();
        present.active -= 1;
        present.since = Instant::now();
    }
}
