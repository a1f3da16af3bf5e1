//! Why there is no image.

use refkit::{Absence, Resolution, Selection};

use crate::grpc::failed::{denial, failure_of};
use crate::grpc::pb::absence::Reason;
use crate::grpc::{pb, wire};

/// Returns the message of an absence.
pub fn absence(resolution: &Resolution, place: usize, absence: &Absence) -> pb::Absence {
    let wanted = match &resolution.request.selection {
        Selection::Platforms(platforms) => platforms.get(place),
        Selection::All => resolution.refusal(place).and_then(|refused| refused.platform.as_ref()),
    };
    let reason = match absence {
        Absence::NoMatch => Reason::NoMatch(true),
        Absence::Denied(denials) => Reason::Denied(pb::Denials { denials: denials.iter().map(denial).collect() }),
        Absence::Failed(failure) => Reason::Failed(failure_of(&resolution.reference.to_string(), failure)),
    };
    pb::Absence { platform: wanted.map(wire::platform), reason: Some(reason) }
}
