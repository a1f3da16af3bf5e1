//! The errors of `refkit frontend image` as errors of the command: with their exit code, and what the user can do.

use std::io;

use refkit::ErrorCode;
use refkit_content::copy::{CopyError, Side};
use refkit_images::Destination;
use refkit_images::frontend::base::{BaseError, LeftOut, Reason};
use refkit_images::frontend::elf::Machine;
use refkit_images::frontend::image::MakeError;
use refkit_images::frontend::program::{NAME, ProgramError};

use super::left_out;
use crate::error::{CommandError, plain};
use crate::hints;
use crate::image_source::ImageSource;

/// Returns the error for a program that is missing or cannot be used.
pub fn of_program(error: &ProgramError) -> CommandError {
    match error {
        ProgramError::Read { source, .. } => {
            let not_found = source.kind() == io::ErrorKind::NotFound;
            let code = if not_found { ErrorCode::NotFound } else { ErrorCode::Other };
            CommandError::failed(code, format_args!("{error}: {}", plain(source)))
        }
        ProgramError::Unsuitable { .. } => {
            let triple = error.machine().map_or("x86_64-unknown-linux-musl", |machine| machine.triple);
            let build = format_args!("build a static one: cargo build --release --package {NAME} --target {triple}");
            CommandError::failed(ErrorCode::Invalid, error).hint(build)
        }
        ProgramError::Twice { .. } => CommandError::usage(error),
        ProgramError::Missing { .. } => CommandError::failed(ErrorCode::NotFound, error)
            .hint("run make frontend in a checkout of RefKit, or name one with --binary FILE"),
        _ => CommandError::failed(ErrorCode::Other, error),
    }
}

/// Returns the error for a base of which no image can be made.
pub fn of_base(error: &BaseError, base: &ImageSource, machines: &[Machine]) -> CommandError {
    match error {
        BaseError::Content(error) => of_content(error, base),
        BaseError::ShipsPolicies => {
            let what = format_args!("{} ships policies already", base.show(base.reference()));
            CommandError::failed(ErrorCode::Invalid, what).hint("start from the image that it was made of")
        }
        BaseError::NoImage { left_out } => no_image(base, machines, left_out),
        other => CommandError::failed(ErrorCode::Other, other),
    }
}

fn no_image(base: &ImageSource, machines: &[Machine], left_out: &[LeftOut]) -> CommandError {
    let what = base.show(base.reference());
    let platforms: Vec<String> = left_out
        .iter()
        .filter(|one| one.reason == Reason::NoProgram)
        .filter_map(|one| one.platform.as_ref().map(ToString::to_string))
        .collect();
    if platforms.is_empty() {
        let other = left_out.iter().find(|one| one.reason != Reason::Attestation);
        let reason = other.map(|one| format!(": {}", left_out::reason(&one.reason))).unwrap_or_default();
        let text = format_args!("nothing of {what} can be made{reason}");
        return CommandError::failed(ErrorCode::Invalid, text).hint("BASE has to be the image of a BuildKit frontend");
    }
    let own: Vec<String> = machines.iter().map(|machine| machine.platform().to_string()).collect();
    let (platforms, own) = (platforms.join(", "), own.join(", "));
    let text = format_args!("{what} is for {platforms}, and refkit-frontend for {own}");
    CommandError::failed(ErrorCode::NotFound, text).hint("name a program for one of its platforms with --binary FILE")
}

/// Returns the error for a base whose documents cannot be edited.
pub fn of_making(MakeError { document, reason }: &MakeError) -> CommandError {
    CommandError::failed(ErrorCode::Invalid, format_args!("{document} of BASE cannot be changed: {reason}"))
}

/// Returns the error for an image that was not written to its end.
pub fn of_copy(CopyError { side, error, .. }: CopyError, base: &ImageSource, to: &Destination) -> CommandError {
    if side == Side::Source {
        return of_content(&error, base);
    }
    let error = refkit::Error::from(error);
    let failure = CommandError::failed(error.code(), &error);
    let hint = match (error.code(), to.registry()) {
        (ErrorCode::Unauthorized, Some(registry)) => hints::log_in(&error, registry),
        (ErrorCode::Unavailable, Some(registry)) => hints::unreachable(&error, registry),
        _ => None,
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Returns the error of an image's source.
pub fn of_content(error: &refkit_content::Error, source: &ImageSource) -> CommandError {
    hints::failed(&refkit::Error::from(error.clone()), source)
}
