//! BuildKit's messages, as far as they are needed, with its field numbers and names.
//!
//! What is left out of a message here is skipped when it is read. A message that is passed on goes as a
//! [`Raw`](crate::Raw), so that what is not known here still arrives.
//!
//! The types are BuildKit's `frontend/gateway/pb/gateway.proto`, `solver/pb/ops.proto`,
//! `sourcepolicy/pb/policy.proto`, `util/apicaps/pb/caps.proto`, and `google/rpc/status.proto`.

mod caps;
mod files;
mod gateway;
mod ops;
mod resolve;
mod solve;
mod source_map;
mod source_policy;
mod status;

pub use caps::*;
pub use files::*;
pub use gateway::*;
pub use ops::*;
pub use resolve::*;
pub use solve::*;
pub use source_map::*;
pub use source_policy::*;
pub use status::*;
