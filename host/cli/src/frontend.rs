//! `refkit frontend image`: puts policies in front of a BuildKit frontend, and lists those of an image. The recipe is
//! [`refkit_images::frontend`]; this command loads, compiles and checks the policies.

mod base;
mod check;
mod destination;
mod inspect;
mod make;
mod policies;
mod programs;
mod report;
mod shipped;
mod show;

use crate::commands::FrontendImage;
use crate::directories::Directories;
use crate::error::CommandError;
use crate::output::Output;

/// Makes the image, or lists what it ships.
///
/// # Errors
/// A usage error for arguments that contradict each other; a failure for content that cannot be read, made or written.
pub async fn run(arguments: &FrontendImage) -> Result<Output, CommandError> {
    let directories = Directories::of_environment();
    if arguments.check { check::run(arguments, &directories).await } else { make::run(arguments, &directories).await }
}
