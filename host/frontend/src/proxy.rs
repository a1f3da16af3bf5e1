//! What stands between a frontend, which calls, and BuildKit, which answers.
//!
//! - [`serve`] is the server that the frontend speaks to; `server` takes its calls apart, and `tasks` ends them with it.
//! - [`Call`] is a call that was taken, [`Answer`] what it is answered with, [`Fault`] what it ends with otherwise.
//! - `body` is what passes: bytes and trailers as they come.
//! - [`run`] joins a child, BuildKit and a handler until one of them ends; `opening` hears whether the child speaks HTTP/2.

mod answer;
mod body;
mod call;
mod fault;
mod opening;
mod run;
mod server;
mod tasks;

use http::HeaderMap;
use tonic::Status;

pub use answer::Answer;
pub use call::Call;
pub use fault::Fault;
pub use run::{Failure, run};
pub use server::serve;

/// Who decides about the calls of a frontend.
pub trait Calls: Send + Sync + 'static {
    /// Says what becomes of a call, by its path (`/package.Service/Method`) and headers.
    fn way(&self, path: &str, headers: &HeaderMap) -> Way;

    /// Answers a call that is taken. It is dropped where the call is cancelled, or its deadline is over.
    fn answer(&self, call: Call) -> impl Future<Output = Result<Answer, Fault>> + Send;
}

/// What becomes of a call.
#[derive(Debug)]
pub enum Way {
    /// It passes as it is, message by message: nobody looks at it.
    Pass,
    /// It has one message, and is answered with one.
    Take,
    /// It is refused without being read.
    Refuse(Status),
}
