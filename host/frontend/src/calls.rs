//! Which calls pass, which are taken, and which are refused.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use tonic::Status;

use crate::caches::Caches;
use crate::meta;
use crate::nested::Nested;
use crate::proxy::{Answer, Call, Calls, Fault, Way};
use crate::solve;
use crate::sources::Sources;

/// The service of BuildKit that frontends call.
const SERVICE: &str = "/moby.buildkit.v1.frontend.LLBBridge/";

/// Calls that read no image: they ask about results of a `Solve`, or about the build itself.
const HARMLESS: [&str; 13] = [
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

/// The calls of one build's frontend.
pub struct BuildCalls {
    sources: Sources,
    caches: Caches,
    nested: Nested,
    returned: AtomicBool,
}

impl BuildCalls {
    /// Returns the calls of a build that has not begun.
    pub fn new(sources: Sources, caches: Caches, nested: Nested) -> Self {
        Self { sources, caches, nested, returned: AtomicBool::new(false) }
    }

    /// Returns whether the frontend has told BuildKit how its work ended.
    pub fn returned(&self) -> bool {
        self.returned.load(Ordering::SeqCst)
    }

    /// Notes that BuildKit has heard the frontend's last word, where it has.
    fn last(&self, answer: Answer, is_last: bool) -> Answer {
        if is_last && answer.is_ok() {
            self.returned.store(true, Ordering::SeqCst);
        }
        answer
    }
}

impl Calls for BuildCalls {
    fn way(&self, path: &str, _: &HeaderMap) -> Way {
        if path.starts_with("/grpc.health.v1.Health/") {
            return Way::Pass;
        }
        match path.strip_prefix(SERVICE) {
            Some("ResolveSourceMeta" | "ResolveImageConfig" | "Solve" | "Return") => Way::Take,
            Some(method) if HARMLESS.contains(&method) => Way::Pass,
            // A call that a later BuildKit has may read images as well. Clients take it for one that is not there.
            _ => Way::Refuse(Status::unimplemented(format!(
                "refkit-frontend does not know the call {path} and lets nothing past that may read an image"
            ))),
        }
    }

    async fn answer(&self, call: Call) -> Result<Answer, Fault> {
        match call.path().strip_prefix(SERVICE) {
            Some("ResolveSourceMeta") => meta::source_meta(&self.sources, &call).await,
            Some("ResolveImageConfig") => meta::image_config(&self.sources, &call).await,
            Some("Solve") => {
                let solved = solve::solve(&self.sources, &self.caches, &self.nested, &call).await?;
                // Frontends of old end their work with a last `Solve`.
                Ok(self.last(solved.answer, solved.is_last))
            }
            _ => Ok(self.last(call.pass().await?, true)),
        }
    }
}
