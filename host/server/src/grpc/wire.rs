//! Between the messages and the types of this workspace, in both directions: the services and the client use the same
//! code.

mod content;
mod failure;
mod kind;
mod operation;
mod origin;
mod reason;
mod status;

pub use content::{descriptor, descriptor_of, platform, platform_of};
pub use failure::{error, failure};
pub use origin::{origin, origin_of};
pub use status::{Details, status};
