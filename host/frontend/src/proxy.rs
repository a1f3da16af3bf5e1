//! Carries the calls of a frontend, the client, to BuildKit, the server.
//!
//! - [`serve`] is the server that the frontend calls; it ends its `tasks` with itself.
//! - A [`Handler`] routes the calls. It answers a [`Call`] with a [`CallResponse`] or a [`CallError`].
//! - The `body` of a passed call keeps its bytes and trailers.
//! - [`run`] joins a child, BuildKit and a handler until one of them ends; `preface` notices a child without HTTP/2.

mod body;
mod call;
mod error;
mod preface;
mod response;
mod run;
mod server;
mod tasks;

use http::HeaderMap;
use tonic::Status;

pub use call::Call;
pub use error::CallError;
pub use response::CallResponse;
pub use run::{Failure, run};
pub use server::serve;

/// Decides about the calls of a frontend.
pub trait Handler: Send + Sync + 'static {
    /// Returns the route of a call, by its path (`/package.Service/Method`) and headers.
    fn route(&self, path: &str, headers: &HeaderMap) -> Route;

    /// Answers a call whose route is [`Route::Handle`]. The server drops the future where the client cancels the call or
    /// the call's deadline passes.
    fn handle(&self, call: Call) -> impl Future<Output = Result<CallResponse, CallError>> + Send;
}

/// The route of a call.
#[derive(Debug)]
pub enum Route {
    /// The call goes to BuildKit as it is, message by message and unread.
    Pass,
    /// The call has one message, and the handler answers it with one.
    Handle,
    /// The call is refused before its message is read.
    Refuse(Status),
}
