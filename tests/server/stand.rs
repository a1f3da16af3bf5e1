//! A server on a socket of its own, and clients of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use refkit_server::client::{Address, Channel, Credentials, Remote};
use refkit_server::grpc::Grpc;
use refkit_server::grpc::rules::{Caller, Rules};
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;

use crate::rules::TestRules;

/// A server that ends with its value. A caller's name is its token.
pub struct Stand {
    address: Address,
    /// The rules.
    pub rules: Arc<TestRules>,
    _directory: tempfile::TempDir,
    tasks: JoinSet<()>,
}

impl Stand {
    /// Starts a server.
    pub async fn start(rules: TestRules) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        let path = directory.path().join("refkit.sock");
        let listener = UnixListener::bind(&path).expect("a socket can be made");
        let rules = Arc::new(rules);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Grpc::default(), Arc::clone(&rules)));
        Self { address: Address::Unix(path), rules, _directory: directory, tasks }
    }

    /// Returns where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns a client that is a caller.
    pub fn remote(&self, caller: &str) -> Remote {
        let credentials = Credentials { token: Some(caller.to_owned()), ..Credentials::default() };
        Remote::new(&self.address, &credentials).expect("a client of a socket")
    }

    /// Ends all connections, and listens again at the same address.
    pub async fn restart(&mut self) {
        self.tasks.shutdown().await;
        let Address::Unix(path) = &self.address else { panic!("it is a socket") };
        std::fs::remove_file(path).expect("the old socket");
        let listener = UnixListener::bind(path).expect("a socket can be made");
        self.tasks.spawn(accept(listener, Grpc::default(), Arc::clone(&self.rules)));
    }

    fn grpc(&self) -> tonic::client::Grpc<Channel> {
        let channel = Channel::new(self.address.clone(), &Credentials::default()).expect("a client of a socket");
        tonic::client::Grpc::new(channel)
    }

    /// Calls a method.
    pub async fn call<Q, A>(&self, path: &str, message: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let codec = ProstCodec::<Q, A>::default();
        Ok(self.grpc().unary(tonic::Request::new(message), at(path), codec).await?.into_inner())
    }

    /// Calls a method with a timeout.
    pub async fn call_within<Q, A>(&self, path: &str, message: Q, timeout: Duration) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut request = tonic::Request::new(message);
        request.set_timeout(timeout);
        let codec = ProstCodec::<Q, A>::default();
        Ok(self.grpc().unary(request, at(path), codec).await?.into_inner())
    }

    /// Calls a method that returns a stream.
    pub async fn stream<Q, A>(&self, path: &str, request: tonic::Request<Q>) -> Result<Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let codec = ProstCodec::<Q, A>::default();
        Ok(self.grpc().server_streaming(request, at(path), codec).await?.into_inner())
    }

    /// Calls a method that takes a stream, as a caller.
    pub async fn send<Q, A>(&self, path: &str, caller: &str, messages: Vec<Q>) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut request = tonic::Request::new(futures_util::stream::iter(messages));
        request.metadata_mut().insert("authorization", format!("Bearer {caller}").parse().expect("a token"));
        let codec = ProstCodec::<Q, A>::default();
        Ok(self.grpc().client_streaming(request, at(path), codec).await?.into_inner())
    }
}

fn at(path: &str) -> PathAndQuery {
    path.parse().expect("a path")
}

async fn accept(listener: UnixListener, services: Grpc, rules: Arc<TestRules>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (services, rules) = (services.clone(), Arc::clone(&rules));
        let service = service_fn(move |request: Request<Incoming>| {
            let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let name = token.and_then(|token| token.strip_prefix("Bearer ")).unwrap_or("anonymous");
            let (services, caller, rules) =
                (services.clone(), Caller(name.into()), Arc::clone(&rules) as Arc<dyn Rules>);
            async move { Ok::<_, Infallible>(services.answer(request, caller, rules).await) }
        });
        connections.spawn(async move {
            let connection = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
            // A client that goes away ends it.
            let _ = connection.await;
        });
    }
}
