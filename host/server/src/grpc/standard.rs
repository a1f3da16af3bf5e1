//! The services that every gRPC server may have: health and reflection.

use std::convert::Infallible;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Request;
use tonic::body::Body;
use tonic_health::ServingStatus;
use tonic_reflection::server::Builder;
use tower_service::Service;

use super::HttpResponse;
use super::pb;

/// What the path of a method of health begins with.
pub const HEALTH: &str = "/grpc.health.v1.Health/";

/// What the path of a method of reflection begins with.
pub const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/";

/// The services whose health is asked for.
const SERVICES: [&str; 2] = ["refkit.v1.RegistryService", "refkit.v1.ImageService"];

type Method = Box<dyn Fn(Request<Body>) -> BoxFuture<'static, HttpResponse> + Send + Sync>;

/// The services.
pub struct Standard {
    /// `grpc.health.v1.Health`: all services are healthy as long as there is an answer.
    pub health: Method,
    /// `grpc.reflection.v1.ServerReflection`.
    pub reflection: Option<Method>,
}

impl Default for Standard {
    fn default() -> Self {
        let (reporter, health) = tonic_health::server::health_reporter();
        for service in SERVICES {
            // Nobody else has the reporter, so this does not wait.
            reporter.set_service_status(service, ServingStatus::Serving).now_or_never();
        }
        let reflection = Builder::configure().register_encoded_file_descriptor_set(pb::DESCRIPTORS).build_v1();
        Self { health: method(health), reflection: reflection.ok().map(method) }
    }
}

fn method<S>(service: S) -> Method
where
    S: Service<Request<Body>, Response = HttpResponse, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    Box::new(move |request| service.clone().call(request).map(|Ok(response)| response).boxed())
}
