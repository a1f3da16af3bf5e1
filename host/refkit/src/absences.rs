//! An absence is never taken away: what the rest of the chain refused or could not read stays refused or failed in
//! the outcome of a policy that had it from there.

use refkit_oci::{Descriptor, Digest};
use refkit_sandbox::{Absence, Decision, Request, Resolved, Selection};

use crate::error::OutcomeError;

/// Checks a policy's decision against one that it was told by the rest of the chain. Decisions about another root say
/// nothing of this one: a policy may redirect away from what was refused.
///
/// # Errors
/// [`OutcomeError::Absence`] with the first place that was refused or failed and no longer is.
pub(crate) fn check(
    request: &Request,
    decision: &Decision<Descriptor>,
    asked: &Request,
    told: &Decision<Descriptor>,
) -> Result<(), OutcomeError> {
    let (Decision::Resolved(claim), Decision::Resolved(told)) = (decision, told) else {
        return Ok(());
    };
    if claim.root.digest != told.root.digest || claim.reference.repository() != told.reference.repository() {
        return Ok(());
    }
    // The same places stand for the same images only where the same images were wanted.
    let same = asked.selection == request.selection;
    for (place, absence) in told.images.iter().enumerate() {
        let Err(absence) = absence else { continue };
        let subjects = match absence {
            Absence::NoMatch => continue,
            Absence::Failed(_) => Vec::new(),
            Absence::Denied(denials) => denials.iter().filter_map(|denial| denial.subject.as_ref()).collect(),
        };
        let kept = match claim.images.get(place) {
            Some(claimed) => !same || claimed.is_err(),
            None => !same,
        };
        if !kept || subjects.iter().any(|subject| holds(claim, subject)) {
            return Err(OutcomeError::Absence { place: place + 1 });
        }
    }
    if same && request.selection == Selection::All && claim.images.len() < told.images.len() && !claim.images.is_empty()
    {
        return Err(OutcomeError::Places { wanted: told.images.len(), got: claim.images.len() });
    }
    Ok(())
}

fn holds(claim: &Resolved<Descriptor>, subject: &Digest) -> bool {
    claim.images.iter().flatten().any(|image| image.manifest.digest == *subject)
}
