//! The base of `refkit frontend image`: its errors and the parts that are left out, for people.

use refkit::ErrorCode;
use refkit_images::frontend::Program;
use refkit_images::frontend::base::{self, Base, BaseError, LeftOut, Reason};
use refkit_images::frontend::elf::Machine;

use crate::error::CommandError;
use crate::hints;
use crate::image_source::ImageSource;

/// Reads the base.
///
/// # Errors
/// The error if the base cannot be read, ships policies already, or has no image that gets the layer.
pub async fn read(target: &ImageSource, programs: &[Program]) -> Result<Base, CommandError> {
    let machines: Vec<Machine> = programs.iter().map(|program| program.machine).collect();
    base::read(&target.source(), target.reference(), &machines).await.map_err(|error| match error {
        BaseError::Content(error) => content(&error, target),
        BaseError::ShipsPolicies => {
            let what = format_args!("{} ships policies already", target.show(target.reference()));
            CommandError::failed(ErrorCode::Invalid, what).hint("start from the image that it was made of")
        }
        BaseError::NoImage { left_out } => no_image(target, &machines, &left_out),
        other => CommandError::failed(ErrorCode::Other, other),
    })
}

/// Returns the failure for an error of the target's source.
pub fn content(error: &refkit_content::Error, target: &ImageSource) -> CommandError {
    hints::failed(&refkit::Error::from(error.clone()), target)
}

fn no_image(target: &ImageSource, machines: &[Machine], left_out: &[LeftOut]) -> CommandError {
    let what = target.show(target.reference());
    let platforms: Vec<String> = left_out
        .iter()
        .filter(|one| one.reason == Reason::NoProgram)
        .filter_map(|one| one.platform.as_ref().map(ToString::to_string))
        .collect();
    if platforms.is_empty() {
        let other = left_out.iter().find(|one| one.reason != Reason::Attestation);
        let reason = other.map(|one| format!(": {}", reason(&one.reason))).unwrap_or_default();
        let text = format_args!("nothing of {what} can be made{reason}");
        return CommandError::failed(ErrorCode::Invalid, text).hint("BASE has to be the image of a BuildKit frontend");
    }
    let own: Vec<String> = machines.iter().map(|machine| machine.platform().to_string()).collect();
    let (platforms, own) = (platforms.join(", "), own.join(", "));
    let text = format_args!("{what} is for {platforms}, and refkit-frontend for {own}");
    CommandError::failed(ErrorCode::NotFound, text).hint("name a program for one of its platforms with --binary FILE")
}

/// Returns the reason in the words of the command line.
pub fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Attestation => "it attests BASE, not what is made of it".to_owned(),
        other => other.to_string(),
    }
}

/// Returns a line for each reason.
pub fn notes(left_out: &[LeftOut]) -> Vec<String> {
    let mut reasons: Vec<(&Reason, Vec<String>)> = Vec::new();
    for one in left_out {
        let name = one.platform.as_ref().filter(|_| one.reason != Reason::Attestation).map(ToString::to_string);
        let name = name.unwrap_or_else(|| one.digest.to_string());
        match reasons.iter_mut().find(|(reason, _)| *reason == &one.reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((&one.reason, vec![name])),
        }
    }
    let line = |(kind, names): (&Reason, Vec<String>)| match (kind, names.len()) {
        (Reason::Attestation, 1) => format!("left out: 1 attestation: {}", reason(kind)),
        (Reason::Attestation, count) => {
            format!("left out: {count} attestations: they attest BASE, not what is made of it")
        }
        _ => format!("left out: {}: {}", names.join(", "), reason(kind)),
    };
    reasons.into_iter().map(line).collect()
}
