//! The calls of a frontend: which the proxy passes, which the rules handle, and which are refused.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use tonic::Status;

use super::nested::Nested;
use super::sources::Sources;
use super::{Build, caches::Caches, meta, solve};
use crate::proxy::{Call, CallError, CallResponse, Handler, Route};

/// The path of the service of BuildKit that frontends call.
const SERVICE: &str = "/moby.buildkit.v1.frontend.LLBBridge/";

/// The health service of gRPC. It reads no image.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// The calls that read no image: they ask about results of a `Solve`, or about the build itself.
const PASSED: [&str; 13] = [
    "Ping",
    "Inputs",
    "ReadFile",
    "ReadDir",
    "StatFile",
    "Evaluate",
    "Warn",
    "NewContainer",
    "ReleaseContainer",
    "ExecProcess",
    "ReadFileContainer",
    "ReadDirContainer",
    "StatFileContainer",
];

/// The rules of one build, as the handler of its frontend's calls.
pub struct Rules {
    sources: Sources,
    caches: Caches,
    nested: Nested,
    returned: AtomicBool,
}

impl Rules {
    /// Returns the rules of a build that has not begun.
    pub fn new(build: Build) -> Self {
        let caches = Caches::of(&build.options);
        let nested = Nested::new(build.image.clone(), build.options.clone());
        Self { sources: Sources::new(build), caches, nested, returned: AtomicBool::new(false) }
    }

    /// Returns whether BuildKit has accepted the frontend's result or error.
    pub fn returned(&self) -> bool {
        self.returned.load(Ordering::SeqCst)
    }

    /// Records that BuildKit has accepted the call that ends the frontend's work.
    fn record_end(&self, response: &CallResponse) {
        if response.is_ok() {
            self.returned.store(true, Ordering::SeqCst);
        }
    }
}

impl Handler for Rules {
    fn route(&self, path: &str, _: &HeaderMap) -> Route {
        if path.starts_with(HEALTH) {
            return Route::Pass;
        }
        match path.strip_prefix(SERVICE) {
            Some("ResolveSourceMeta" | "ResolveImageConfig" | "Solve" | "Return") => Route::Handle,
            Some(method) if PASSED.contains(&method) => Route::Pass,
            // A call of a later BuildKit may read images as well. `UNIMPLEMENTED` tells the client that it is missing.
            _ => Route::Refuse(Status::unimplemented(format!(
                "refkit-frontend does not know the call {path} and lets nothing past that may read an image"
            ))),
        }
    }

    async fn handle(&self, call: Call) -> Result<CallResponse, CallError> {
        match call.path().strip_prefix(SERVICE) {
            Some("ResolveSourceMeta") => meta::source_meta(&self.sources, &call).await,
            Some("ResolveImageConfig") => meta::image_config(&self.sources, &call).await,
            Some("Solve") => {
                let request = meta::decode(&call)?;
                let response = solve::solve(&self.sources, &self.caches, &self.nested, &call, &request).await?;
                // Frontends of old BuildKits end their work with a final `Solve` instead of a `Return`.
                if request.view().r#final {
                    self.record_end(&response);
                }
                Ok(response)
            }
            _ => {
                let response = call.pass().await?;
                self.record_end(&response);
                Ok(response)
            }
        }
    }
}
