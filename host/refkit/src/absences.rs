//! A policy cannot take an absence away: where the rest of the chain answered it with a refused or unreadable image, its
//! outcome has an absence in the same place.

use refkit_contract::{Absence, Image, Request, Resolved, Selection};
use refkit_oci::{Descriptor, Platform};

use crate::error::OutcomeError;

/// Checks what a policy resolves against one answer of the rest of the chain. An answer about another root says nothing
/// of this one.
///
/// # Errors
/// [`OutcomeError::Absence`] with the first place that was refused or failed and no longer is.
pub(crate) fn check(
    request: &Request,
    claim: &Resolved<Descriptor>,
    asked: &Request,
    told: &Resolved<Descriptor>,
) -> Result<(), OutcomeError> {
    if claim.root.digest != told.root.digest || claim.reference.repository() != told.reference.repository() {
        return Ok(());
    }
    for (place, absence) in told.images.iter().enumerate() {
        let absence = match absence {
            Err(absence @ (Absence::Denied(_) | Absence::Failed(_))) => absence,
            _ => continue,
        };
        // Without images an outcome stands for all of the root.
        let kept = !claim.images.is_empty() && same(request, asked, place).all(|place| keeps(claim, place, absence));
        if !kept {
            return Err(OutcomeError::Absence { place: place + 1 });
        }
    }
    let all = asked.selection == request.selection && request.selection == Selection::All;
    if all && claim.images.len() < told.images.len() && !claim.images.is_empty() {
        return Err(OutcomeError::Places { wanted: told.images.len(), got: claim.images.len() });
    }
    Ok(())
}

/// Returns the places of a request that stand for the same image as a place of another request: the same place of an
/// equal selection, else those of the same platform. A place of `all` says no platform, so it has no equal among
/// platforms; the manifest that was refused there counts all the same, wherever it is put.
fn same(request: &Request, asked: &Request, place: usize) -> impl Iterator<Item = usize> {
    let places: Vec<usize> = match (&request.selection, &asked.selection) {
        (wanted, asked) if wanted == asked => vec![place],
        (Selection::Platforms(wanted), Selection::Platforms(asked)) => {
            let equal = |platform: &Platform| asked.get(place) == Some(platform);
            wanted.iter().enumerate().filter(|(_, platform)| equal(platform)).map(|(place, _)| place).collect()
        }
        _ => Vec::new(),
    };
    places.into_iter()
}

/// Returns whether a place is still as absent: a refusal stays one, and a failure is not made an image.
fn keeps(claim: &Resolved<Descriptor>, place: usize, absence: &Absence) -> bool {
    let claimed: Option<&Result<Image<Descriptor>, Absence>> = claim.images.get(place);
    matches!(
        (claimed, absence),
        (Some(Err(Absence::Denied(_))), _) | (Some(Err(Absence::Failed(_))), Absence::Failed(_))
    )
}
