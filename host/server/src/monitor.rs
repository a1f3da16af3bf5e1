//! The listener of metrics and health.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

use crate::body::{Body, text};
use crate::listen::{Handler, Peer, Responding};
use crate::server::Shared;

const PLAIN: &str = "text/plain; charset=utf-8";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers `/metrics`, `/healthz` and `/readyz`.
pub(crate) struct Monitor {
    pub(crate) shared: Arc<Shared>,
}

impl Handler for Monitor {
    fn kind(&self) -> &'static str {
        "metrics"
    }

    fn handle(&self, request: Request<Incoming>, peer: Arc<Peer>) -> Responding {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let state = shared.state();
            match state.clients().recognize(&peer, request.headers()).await {
                Ok(_) => answer(&shared, request.method(), request.uri().path()),
                Err(error) => text(StatusCode::UNAUTHORIZED, PLAIN, format!("{error}\n")),
            }
        })
    }
}

fn answer(shared: &Shared, method: &Method, path: &str) -> Response<Body> {
    match (method, path) {
        (&Method::GET | &Method::HEAD, "/metrics") => text(StatusCode::OK, OPEN_METRICS, shared.metrics().text()),
        (&Method::GET | &Method::HEAD, "/healthz") => text(StatusCode::OK, PLAIN, "ok\n"),
        (&Method::GET | &Method::HEAD, "/readyz") if shared.is_ready() => text(StatusCode::OK, PLAIN, "ok\n"),
        (&Method::GET | &Method::HEAD, "/readyz") => text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "not ready\n"),
        (_, "/metrics" | "/healthz" | "/readyz") => text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET or HEAD\n"),
        _ => text(StatusCode::NOT_FOUND, PLAIN, "there are /metrics, /healthz and /readyz\n"),
    }
}
