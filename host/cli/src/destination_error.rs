//! Errors of a destination that the command line names wrongly.

use refkit_images::DestinationError;

use crate::error::CommandError;

/// Returns the error for a destination with a digest, where the content decides it.
pub fn digest(text: &str) -> CommandError {
    of(&DestinationError::Digest(text.to_owned()))
}

/// Returns the error for a destination that the command line names wrongly.
pub fn of(error: &DestinationError) -> CommandError {
    let usage = CommandError::usage(error);
    match error {
        DestinationError::NoTag(text) => usage.hint(format_args!("add one: {text}:TAG")),
        DestinationError::Digest(_) => usage.hint("give it a tag alone"),
        DestinationError::Archive(_) => usage.hint("write a directory, and then: tar -C DIRECTORY -cf FILE.tar ."),
        DestinationError::Reference(_) => usage.hint("it is written [REGISTRY/]REPOSITORY:TAG or oci-layout:PATH:TAG"),
        _ => usage,
    }
}
