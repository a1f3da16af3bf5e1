//! BuildKit's messages, as far as RefKit uses them, with BuildKit's names and field numbers.
//!
//! The files in `proto/` are the source; a test generates the types from them. Decoding skips the fields that they leave
//! out. [`Raw`](crate::Raw) passes a message on with all fields.

mod platform;

// Each package is a module, because the generated code names types by these paths.
#[allow(clippy::all, missing_docs)]
mod generated {
    pub mod fsutil {
        pub mod types {
            include!("pb/fsutil.types.rs");
        }
    }
    pub mod google {
        pub mod protobuf {
            include!("pb/google.protobuf.rs");
        }
        pub mod rpc {
            include!("pb/google.rpc.rs");
        }
    }
    pub mod moby {
        pub mod buildkit {
            pub mod v1 {
                pub mod apicaps {
                    include!("pb/moby.buildkit.v1.apicaps.rs");
                }
                pub mod frontend {
                    include!("pb/moby.buildkit.v1.frontend.rs");
                }
                pub mod sourcepolicy {
                    include!("pb/moby.buildkit.v1.sourcepolicy.rs");
                    pub mod policysession {
                        include!("pb/moby.buildkit.v1.sourcepolicy.policysession.rs");
                    }
                }
            }
        }
    }
    pub mod pb {
        include!("pb/pb.rs");
    }
}

pub use generated::fsutil::types::*;
pub use generated::google::protobuf::*;
pub use generated::google::rpc::*;
pub use generated::moby::buildkit::v1::apicaps::*;
pub use generated::moby::buildkit::v1::frontend::*;
pub use generated::moby::buildkit::v1::sourcepolicy::policysession::*;
pub use generated::moby::buildkit::v1::sourcepolicy::*;
pub use generated::pb::*;
