//! `refkit frontend image`: puts policies in front of a BuildKit frontend, and says which are there.
//!
//! What the image gets:
//!
//! - One layer more, the same bytes every time: `/refkit/refkit-frontend`, the policies as
//!   `/refkit/policies/NN-NAME.wasm`, NN being their order, and beside each `NN-NAME.cwasm`, its code compiled ahead of
//!   time ([`refkit::Shipped`]), where this refkit can compile for the platform. The default policy's component is in
//!   the program; its code is `/refkit/refkit-default.cwasm`.
//! - An entrypoint: the program, `--policy PATH` for each, `--set NAME=VALUE` for each, what else its maker says, `--`,
//!   and the entrypoint that was there. BuildKit runs `/run` where there is none.
//! - The label `moby.buildkit.frontend.network.none`, so that BuildKit gives it no network.
//! - The label `dev.refkit.policies`: a JSON list of `{path, digest, name, version}`, for whoever looks at a config and
//!   at nothing else. `--check` reads the policies themselves, and says where the label is wrong.
//!
//! Nothing else changes: unknown members of the documents stay, in their order, and so do the media types.

mod base;
mod binary;
mod carried;
mod check;
mod destination;
mod image;
mod look;
mod make;
mod policies;
mod report;
mod show;

use crate::commands::FrontendImage;
use crate::directories::Directories;
use crate::error::CommandError;
use crate::output::Output;

/// Makes the image, or says what it ships.
///
/// # Errors
/// A usage error, or what cannot be had, made or written.
pub async fn run(arguments: &FrontendImage) -> Result<Output, CommandError> {
    let directories = Directories::of_environment();
    if arguments.check { check::run(arguments, &directories).await } else { make::run(arguments, &directories).await }
}
