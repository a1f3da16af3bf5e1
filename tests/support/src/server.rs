//! The HTTP/1.1 server under the fault-injecting registry and the token server: a thread with a runtime of its own,
//! so that it answers whatever the test's own runtime does, and is gone when its value is dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use anyhow::Context as _;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::{Mutex, MutexGuard};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::body::{self, FaultBody};
use crate::fault::{Base, End, Fault, Rule};
use crate::gauge::Gauge;
use crate::record::Log;

/// Bytes that the server buffers for one connection, in its socket and in hyper each: 64 KiB, so that an endless body
/// comes to a stop soon after its reader does.
const BUFFER: usize = 64 << 10;

/// What a server answers where no rule says otherwise.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Returns the refusal of a request that may not be answered at all.
    fn refuse(&self, request: &Parts) -> Option<Response<Bytes>>;

    /// Answers a request that may be.
    fn answer(&self, request: &Parts, body: Bytes) -> Response<Bytes>;

    /// Takes a part of a body that does not arrive as a whole.
    fn keep(&self, _request: &Parts, _part: Bytes) {}
}

struct Shared {
    handler: Arc<dyn Handler>,
    rules: Mutex<Vec<Rule>>,
    log: Log,
    connections: AtomicUsize,
    gauge: Arc<Gauge>,
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock()
    }
}

/// A server on 127.0.0.1 and a port that was free. Dropping it aborts what is under way.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(handler: Arc<dyn Handler>) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            handler,
            rules: Mutex::default(),
            log: Log::default(),
            connections: AtomicUsize::new(0),
            gauge: Arc::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let (started, address) = mpsc::channel();
        let thread = std::thread::Builder::new().name("loopback server".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || runtime.block_on(listen(shared, started, stopped))
        })?;
        let address = address
            .recv()
            .context("the server's thread ended before it listened")?
            .context("cannot listen on 127.0.0.1")?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn add(&self, rule: Rule) {
        self.shared.rules().push(rule);
    }

    pub(crate) fn clear_rules(&self) {
        self.shared.rules().clear();
    }

    pub(crate) fn log(&self) -> &Log {
        &self.shared.log
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn at_once(&self) -> usize {
        self.shared.gauge.now()
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.shared.gauge.most()
    }

    pub(crate) fn clear(&self) {
        self.shared.log.clear();
        self.shared.gauge.clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread has been printed by it; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

async fn listen(
    shared: Arc<Shared>,
    started: mpsc::Sender<io::Result<SocketAddr>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let bound = (|| {
        let socket = TcpSocket::new_v4()?;
        // Accepted sockets inherit it.
        socket.set_send_buffer_size(BUFFER as u32)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1024)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    })();
    let listener = match bound {
        Ok((listener, address)) => {
            if started.send(Ok(address)).is_err() {
                return;
            }
            listener
        }
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(connection(Arc::clone(&shared), stream));
            },
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    // Small answers in two writes would otherwise wait for each other.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| serve(Arc::clone(&shared), request));
    // An error here is a fault that was asked for, or a peer that went away.
    let _ = http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(stream), service).await;
}

async fn serve(shared: Arc<Shared>, request: http::Request<Incoming>) -> io::Result<Response<FaultBody>> {
    let under_way = Gauge::enter(&shared.gauge);
    let (mut parts, body) = request.into_parts();
    let entry = shared.log.note(&parts);
    let refusal = shared.handler.refuse(&parts);
    let fault = {
        let admitted = refusal.is_none();
        shared.rules().iter_mut().find_map(|rule| rule.take(&parts, admitted)).unwrap_or_else(Fault::normal)
    };
    if fault.whole {
        parts.headers.remove(header::RANGE);
    }
    if !fault.delay.is_zero() {
        tokio::time::sleep(fault.delay).await;
    }
    let body = match fault.kept {
        None => Some(body),
        Some(limit) => {
            let part = body::part(body, limit, fault.base == Base::HangUp).await.map_err(io::Error::other)?;
            shared.handler.keep(&parts, part);
            None
        }
    };
    let mut answer = match fault.base {
        Base::Stall => std::future::pending().await,
        Base::HangUp => return Err(io::Error::other("hung up on purpose")),
        Base::Own => Response::new(Bytes::new()),
        Base::Normal => {
            let body = match body {
                Some(body) => body::collect(body).await.map_err(io::Error::other)?,
                None => Bytes::new(),
            };
            refusal.unwrap_or_else(|| shared.handler.answer(&parts, body))
        }
    };
    apply(&fault, &mut answer);
    entry.answered(answer.status());
    let no_body = parts.method == Method::HEAD
        || matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || answer.status().is_informational();
    let (head, content) = answer.into_parts();
    let body = if no_body {
        FaultBody::new(Bytes::new(), End::Whole, entry.sent(), under_way)
    } else {
        let missing = fault.claim.is_some_and(|claim| claim > content.len() as u64);
        let end = match fault.end {
            // Else hyper closes the connection before it has written what there is.
            End::Whole if missing => End::Cut(content.len() as u64),
            end => end,
        };
        FaultBody::new(content, end, entry.sent(), under_way)
    };
    Ok(Response::from_parts(head, body))
}

/// Makes of an answer what the fault says, and gives it a `Content-Length`.
fn apply(fault: &Fault, answer: &mut Response<Bytes>) {
    if let Some(status) = fault.status {
        *answer.status_mut() = status;
    }
    if let Some(body) = &fault.body {
        *answer.body_mut() = body.clone();
    }
    let length = match fault.end {
        _ if fault.claim.is_some() => fault.claim,
        End::Endless => None,
        // The length of what is not sent again is nobody's business.
        _ if answer.status() == StatusCode::NOT_MODIFIED => None,
        _ => Some(answer.body().len() as u64),
    };
    let headers = answer.headers_mut();
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    for name in &fault.removed {
        headers.remove(name);
    }
    for name in fault.set.keys() {
        headers.remove(name);
    }
    for (name, value) in &fault.set {
        headers.append(name, value.clone());
    }
}
