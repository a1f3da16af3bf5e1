//! A method of a service: a function from request to response, between messages and HTTP.

use std::task::{Context, Poll};

use futures_util::Stream;
use prost::Message;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower_service::Service;

/// The largest message of a request: 4 MiB, the default of other servers. A piece of content and a component's piece
/// have 1 MiB.
const REQUEST: usize = 4 << 20;

/// A request as it comes.
pub type HttpRequest = http::Request<Body>;

/// A response as it goes.
pub type HttpResponse = http::Response<Body>;

struct Method<F>(F);

impl<F, Q, A, R> Service<Request<Q>> for Method<F>
where
    F: FnMut(Request<Q>) -> R,
    R: Future<Output = Result<Response<A>, Status>>,
{
    type Response = Response<A>;
    type Error = Status;
    type Future = R;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> R {
        (self.0)(request)
    }
}

fn grpc<A: Message + 'static, Q: Message + Default + 'static>() -> Grpc<ProstCodec<A, Q>> {
    Grpc::new(ProstCodec::default()).max_decoding_message_size(REQUEST)
}

/// Calls a method with one message in each direction.
pub async fn unary<Q, A, R>(request: HttpRequest, call: impl FnMut(Request<Q>) -> R) -> HttpResponse
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    R: Future<Output = Result<Response<A>, Status>>,
{
    grpc().unary(Method(call), request).await
}

/// Calls a method that returns a stream.
pub async fn streaming<Q, A, S, R>(request: HttpRequest, call: impl FnMut(Request<Q>) -> R) -> HttpResponse
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    S: Stream<Item = Result<A, Status>> + Send + 'static,
    R: Future<Output = Result<Response<S>, Status>>,
{
    grpc().server_streaming(Method(call), request).await
}

/// Calls a method that takes a stream.
pub async fn streamed<Q, A, R>(request: HttpRequest, call: impl FnMut(Request<Streaming<Q>>) -> R) -> HttpResponse
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    R: Future<Output = Result<Response<A>, Status>>,
{
    grpc().client_streaming(Method(call), request).await
}
