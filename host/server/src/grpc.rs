//! The project's own API, `refkit.v1`, and BuildKit's services on the same connections.
//!
//! [`Grpc`] answers the requests of a connection. [`Rules`](rules::Rules) stands for the server around it. Errors have a gRPC code and the details of `google.rpc.Status`: [`wire`] makes and reads them.

mod buildkit;
mod call;
mod failed;
mod fields;
mod image;
mod loaded;
mod method;
pub mod path;
pub mod pb;
mod registry;
mod root;
mod route;
pub mod rules;
mod seen;
mod standard;
mod timeout;
pub mod wire;

use std::sync::Arc;

pub use call::Call;
pub use method::HttpResponse;

use loaded::LoadedPolicies;
use seen::Seen;
use standard::Standard;

/// The error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The most bytes of content in one message: 1 MiB, a quarter of what clients accept by default.
pub const PIECE: usize = 1 << 20;

/// What the methods remember between calls.
#[derive(Default)]
struct Api {
    seen: Seen,
    loaded: LoadedPolicies,
    standard: Standard,
}

/// The services. Clones share them, and what they remember of their callers.
#[derive(Clone, Default)]
pub struct Grpc(Arc<Api>);

impl std::fmt::Debug for Grpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grpc").finish_non_exhaustive()
    }
}
