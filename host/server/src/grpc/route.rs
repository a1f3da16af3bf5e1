//! The method of a request.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;

use super::method::{HttpRequest, HttpResponse, streamed, streaming, unary};
use super::rules::{Caller, Rules};
use super::{BoxError, Call, Grpc, buildkit, image, path, registry, standard, timeout};

impl Grpc {
    /// Answers a request. A dropped future ends the call: its registry requests and its policies.
    pub async fn answer<B>(&self, request: http::Request<B>, caller: Caller, rules: Arc<dyn Rules>) -> HttpResponse
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let answered = async {
            let call = Call { caller, rules, deadline: timeout::deadline(request.headers())? };
            // On the heap, because the state of all methods together is large.
            call.within(self.method(&call, request.map(Body::new)).boxed()).await?
        };
        answered.await.unwrap_or_else(|status: Status| status.into_http())
    }

    async fn method(&self, call: &Call, request: HttpRequest) -> Result<HttpResponse, Status> {
        let api = &*self.0;
        let called = request.uri().path().to_owned();
        Ok(match called.as_str() {
            path::RESOLVE => unary(request, |request| registry::resolve(api, call, request)).await,
            path::FETCH => streaming(request, |request| registry::fetch(api, call, request)).await,
            path::LIST_TAGS => unary(request, |request| registry::tags(call, request)).await,
            path::LIST_REFERRERS => unary(request, |request| registry::referrers(call, request)).await,
            path::EXISTS => unary(request, |request| registry::exists(call, request)).await,
            path::MOUNT => unary(request, |request| registry::mount(call, request)).await,
            path::PUSH => streamed(request, |request| registry::push(call, request)).await,
            path::RESOLVE_IMAGE => unary(request, |request| image::resolve(api, call, request)).await,
            path::EXPLAIN => unary(request, |request| image::explain(api, call, request)).await,
            path::LOAD_POLICY => streamed(request, |request| image::load(api, call, request)).await,
            path::BRIDGE_PING => unary(request, buildkit::ping).await,
            path::RESOLVE_IMAGE_CONFIG => {
                unary(request, |request| buildkit::resolve_image_config(api, call, request)).await
            }
            path::RESOLVE_SOURCE_META => {
                unary(request, |request| buildkit::resolve_source_meta(api, call, request)).await
            }
            path::CHECK_POLICY => unary(request, |request| buildkit::check_policy(api, call, request)).await,
            other if other.starts_with(path::BRIDGE) => return Err(Status::unimplemented(buildkit::NO_BUILD)),
            other if other.starts_with(standard::HEALTH) => (api.standard.health)(request).await,
            other if other.starts_with(standard::REFLECTION) => match &api.standard.reflection {
                Some(reflection) => reflection(request).await,
                None => return Err(Status::unimplemented("this server does not describe itself")),
            },
            _ => return Err(Status::unimplemented(format!("this server has no method {called}"))),
        })
    }
}
