//! The listeners of gRPC: recognizes the client of each call, and calls the services.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tonic::Status;

use crate::body::Body;
use crate::by_state::{self, ByState};
use crate::listen::{Handler, Peer, Responding};
use crate::server::Shared;

/// Answers calls of gRPC.
pub(crate) struct GrpcListener {
    pub(crate) shared: Arc<Shared>,
}

impl Handler for GrpcListener {
    fn kind(&self) -> &'static str {
        "grpc"
    }

    fn handle(&self, request: Request<Incoming>, peer: Arc<Peer>) -> Responding {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            // A call keeps the state that it began with.
            let state = shared.state();
            let client = match state.clients().recognize(&peer, request.headers()).await {
                Ok(client) => client,
                Err(error) => return body(Status::unauthenticated(error.to_string()).into_http()),
            };
            let caller = by_state::caller(&client);
            let rules = Arc::new(ByState::new(state, client));
            body(shared.services().answer(request, caller, rules).await)
        })
    }
}

fn body(response: Response<tonic::body::Body>) -> Response<Body> {
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}
