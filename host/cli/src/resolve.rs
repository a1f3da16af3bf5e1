//! `refkit resolve`.

use refkit::{Image, Parts, Resolution, Selection};
use refkit_oci::{Descriptor, Platform, Reference};

use crate::answer::Answer;
use crate::arguments;
use crate::failure::{Exit, Failure};
use crate::finished::{Finished, Told};
use crate::report::{ImageOrAbsence, ImageReport, OutcomeReport, PlaceReport, ResolvedReport};
use crate::setup::{self, Setup};
use refkit::text::Escaped;
use refkit::text::table;

/// Resolves, and returns what there is to print.
///
/// # Errors
/// Where nothing was asked yet: a usage error, a policy or a layout that cannot be used.
pub async fn run(arguments: &arguments::Resolve) -> Result<Answer, Failure> {
    let setup = Setup::new(&arguments.target, &arguments.policies).await?;
    let (selection, parts) = wanted(&arguments.target);
    let finished = Finished::run(&setup, selection, parts).await;
    let told = match finished.resolution() {
        Ok(resolution) => tell(&finished, resolution, &arguments.target),
        Err(told) => told,
    };
    Ok(finished.answer(&arguments.output, told))
}

/// Without platforms the root alone is wanted, which is one HEAD; a policy may look at images all the same, and then
/// it is this machine's.
fn wanted(target: &arguments::Target) -> (Selection, Parts) {
    if target.all_platforms {
        return (Selection::All, Parts::IMAGES);
    }
    let parts = if target.platforms.is_empty() { Parts::NONE } else { Parts::IMAGES };
    (Selection::Platforms(setup::platforms(&target.platforms)), parts)
}

fn tell(finished: &Finished<'_>, resolution: &Resolution, target: &arguments::Target) -> Told {
    let show = |reference: &Reference| finished.setup.target.show(reference);
    let pinned = |image: &Image<Descriptor>| show(&resolution.reference.with_digest(image.manifest.digest.clone()));
    let named = if target.all_platforms { Vec::new() } else { setup::platforms(&target.platforms) };
    let mut told = Told {
        lines: Vec::new(),
        report: OutcomeReport::Resolved(Box::new(ResolvedReport {
            reference: show(&resolution.reference),
            pinned: show(&resolution.pinned()),
            root: (&resolution.root).into(),
            annotations: Default::default(),
            images: Vec::new(),
        })),
        messages: Vec::new(),
        exit: Exit::Resolved,
    };
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut places = Vec::new();
    for (place, image) in resolution.images.iter().enumerate() {
        let own = image.as_ref().ok().and_then(|image| image.platform.as_ref());
        let platform: Option<&Platform> = named.get(place).or(own);
        let report = match image {
            Ok(image) => {
                let name = platform.map_or_else(|| "unknown".to_owned(), ToString::to_string);
                rows.push([Escaped(name).to_string(), Escaped(pinned(image)).to_string()]);
                ImageOrAbsence::Image(Box::new(ImageReport::of(image, pinned(image))))
            }
            Err(absence) => {
                let (messages, exit) = finished.absent(resolution, platform, absence);
                told.messages.extend(messages);
                told.exit = told.exit.max(exit);
                finished.absence(absence)
            }
        };
        places.push(PlaceReport { platform: platform.map(Into::into), place: report });
    }
    told.lines = match (&rows[..], target.all_platforms, target.platforms.len()) {
        ([], false, 0) => vec![Escaped(show(&resolution.pinned())).to_string()],
        ([[_, pinned]], false, 1) => vec![pinned.clone()],
        (rows, _, _) => table(rows),
    };
    if let OutcomeReport::Resolved(report) = &mut told.report {
        report.images = places;
    }
    told
}
