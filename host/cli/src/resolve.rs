//! `refkit resolve`.

use std::collections::HashSet;

use refkit::{Image, Judged, Parts, Resolution, Selection};
use refkit_oci::{Descriptor, Digest, Platform, Reference};

use crate::answer::Answer;
use crate::arguments;
use crate::failure::{Exit, Failure};
use crate::finished::{Finished, Told};
use crate::report::{ImageOrAbsence, ImageReport, OutcomeReport, PlaceReport, ResolvedReport};
use crate::setup::{self, Setup};
use refkit_report::Escaped;
use refkit_report::table;

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
    let report = ResolvedReport {
        reference: show(&resolution.reference),
        pinned: Some(show(&resolution.pinned())),
        root: (&resolution.root).into(),
        judged: resolution.judged.iter().map(Into::into).collect(),
        annotations: Default::default(),
        images: Vec::new(),
    };
    let mut told = Told {
        lines: Vec::new(),
        report: OutcomeReport::default(),
        messages: judged(resolution),
        exit: Exit::Resolved,
    };
    let mut rows: Vec<[String; 2]> = Vec::new();
    let (mut places, mut error) = (Vec::new(), None);
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
                let (messages, exit) = finished.absent(resolution, (place, platform), absence);
                told.messages.extend(messages);
                told.exit = told.exit.max(exit);
                error = error.or_else(|| finished.error(resolution, platform, absence));
                finished.absence(resolution, place, absence)
            }
        };
        places.push(PlaceReport { platform: platform.map(Into::into), place: report });
    }
    told.lines = match (&rows[..], target.all_platforms, target.platforms.len()) {
        ([], false, 0) => vec![Escaped(show(&resolution.pinned())).to_string()],
        ([[_, pinned]], false, 1) => vec![pinned.clone()],
        (rows, _, _) => table(rows),
    };
    told.report = OutcomeReport::resolved(ResolvedReport { images: places, ..report }, error);
    told
}

/// Returns a note where policies judged some images of the root that is printed, and not all that it lists: another
/// client may take another one.
fn judged(resolution: &Resolution) -> Vec<String> {
    let manifests: HashSet<&Digest> = resolution.judged.iter().map(|judged| &judged.manifest).collect();
    let unjudged = resolution.images_of_root().iter().any(|image| !manifests.contains(image));
    if resolution.judged.is_empty() || !unjudged {
        return Vec::new();
    }
    let mut images: Vec<String> = Vec::new();
    for Judged { policy, platform, manifest } in &resolution.judged {
        let platform = platform.as_ref().map_or_else(|| manifest.to_string(), ToString::to_string);
        let image = format!("{platform} (by {policy})");
        if !images.contains(&image) {
            images.push(image);
        }
    }
    let images = Escaped(images.join(", ")).to_string();
    vec![format!(
        "note: of this index, the policies judged {images} and no other image; to judge more, use --platform or \
         --all-platforms"
    )]
}
