//! The policy at the end of every publishing chain.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

use refkit_publishing::{Description, Error, Publication, Published, Publisher, PublishingHost};

/// The default publisher.
pub struct Publish;

impl Publisher for Publish {
    fn about() -> Description {
        Description::new("publish", env!("CARGO_PKG_VERSION"), "Composes as docker buildx imagetools does")
    }

    fn publish(host: &impl PublishingHost, request: Publication) -> Result<Published, Error> {
        host.publish(&request)
    }
}

refkit_publishing::export!(Publish);
