//! The parts of a base that are left out, for people.

use refkit_images::frontend::base::{LeftOut, Reason};

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
