//! `refkit inspect`.

use std::collections::{HashMap, HashSet};

use refkit::{Absence, ErrorCode, Image, Parts, Resolution, Selection};
use refkit_oci::{Descriptor, Digest};

use crate::answer::Answer;
use crate::arguments;
use crate::failure::{Exit, Failure};
use crate::finished::{Finished, Told, failed};
use crate::level;
use crate::manifests::{self, Manifests};
use crate::picture::Picture;
use crate::report::{ContentsReport, ImageOrAbsence, ImageReport, OutcomeReport, PlaceReport, ResolvedReport};
use crate::setup::{self, Setup};

/// Resolves, reads the manifests, and returns what there is to print.
///
/// # Errors
/// Where nothing was asked yet: a usage error, a policy or a layout that cannot be used.
pub async fn run(arguments: &arguments::Inspect) -> Result<Answer, Failure> {
    if let Some(level) = arguments.level.wanted() {
        return level::run(arguments, level).await;
    }
    let setup = Setup::new(&arguments.target, &arguments.policies).await?;
    let target = &arguments.target;
    let selection = match &target.platforms[..] {
        [] => Selection::All,
        platforms => Selection::Platforms(setup::platforms(platforms)),
    };
    let parts = Parts { attestations: arguments.attestations, ..Parts::IMAGES };
    let finished = Finished::run(&setup, selection, parts).await;
    let told = match finished.resolution() {
        Ok(resolution) => {
            let manifests = manifests::read(&finished.session, resolution).await;
            tell(&finished, resolution, &manifests, arguments)
        }
        Err(told) => told,
    };
    Ok(finished.answer(&arguments.output, told))
}

fn tell(
    finished: &Finished<'_>,
    resolution: &Resolution,
    manifests: &Manifests,
    arguments: &arguments::Inspect,
) -> Told {
    let setup = finished.setup;
    let mut images = manifests::places(resolution, manifests);
    if let Err(failure) = attest(resolution, &mut images) {
        return failed(&failure);
    }
    let picture = Picture {
        root: &resolution.root,
        images: &images,
        index: &|descriptor| resolution.index(&descriptor.digest),
        manifests,
        refused: &resolution.refused,
        layers: arguments.layers,
    };
    let reference = setup.target.show(&resolution.reference);
    let report = ResolvedReport {
        reference: reference.clone(),
        pinned: Some(setup.target.show(&resolution.pinned())),
        root: (&resolution.root).into(),
        judged: Vec::new(),
        annotations: annotations(resolution, manifests).into_iter().collect(),
        images: Vec::new(),
    };
    let mut told = Told {
        lines: picture.lines(reference),
        report: OutcomeReport::default(),
        messages: Vec::new(),
        exit: Exit::Resolved,
    };
    let named =
        if arguments.target.platforms.is_empty() { Vec::new() } else { setup::platforms(&arguments.target.platforms) };
    let (mut places, mut error) = (Vec::new(), None);
    for (place, image) in images.iter().enumerate() {
        let own = image.as_ref().ok().and_then(|image| image.platform.as_ref());
        let platform = named.get(place).or(own);
        let report = match image {
            Ok(image) => {
                let pinned = resolution.reference.with_digest(image.manifest.digest.clone());
                let mut report = ImageReport::of(image, setup.target.show(&pinned));
                let manifest = manifests.get(&image.manifest.digest).and_then(|read| read.as_ref().ok());
                if let Some(manifest) = manifest {
                    report.config = Some((&manifest.config).into());
                    report.contents = Some(ContentsReport {
                        size: manifest.size,
                        annotations: manifest.annotations.iter().cloned().collect(),
                        layers: arguments.layers.then(|| manifest.layers.iter().map(Into::into).collect()),
                    });
                }
                ImageOrAbsence::Image(Box::new(report))
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
    told.report = OutcomeReport::resolved(ResolvedReport { images: places, ..report }, error);
    told
}

/// The most attestations that indexes may add to the images of one answer: as many as one index has entries.
const ATTESTATIONS: usize = 10_000;

/// Adds the attestations that the indexes list, which are there without another request.
///
/// # Errors
/// Where there are more than [`ATTESTATIONS`]: an index can name the same image, and attest it, again and again.
fn attest(resolution: &Resolution, images: &mut [Result<Image<Descriptor>, Absence>]) -> Result<(), Failure> {
    let last = |image: &Image<Descriptor>| image.parents.last().unwrap_or(&resolution.root).digest.clone();
    let indexes: HashSet<Digest> = images.iter().flatten().map(last).collect();
    let mut listed: HashMap<&str, Vec<&Descriptor>> = HashMap::new();
    let read = indexes.iter().filter_map(|index| resolution.index(index));
    for entry in read.flat_map(|index| &index.manifests) {
        if let Some(subject) = entry.attests() {
            listed.entry(subject).or_default().push(entry);
        }
    }
    let mut left = ATTESTATIONS;
    for image in images.iter_mut().flatten() {
        let mut known: HashSet<Digest> = image.attestations.iter().map(|one| one.digest.clone()).collect();
        let about = listed.get(image.manifest.digest.as_str()).into_iter().flatten();
        for entry in about.filter(|entry| known.insert(entry.digest.clone())) {
            left = left.checked_sub(1).ok_or_else(|| {
                let text = format_args!("the indexes list more than {ATTESTATIONS} attestations of their images");
                Failure::failed(ErrorCode::Invalid, text).hint("--platform picks single images")
            })?;
            image.attestations.push(Descriptor::clone(entry));
        }
    }
    Ok(())
}

/// Returns the annotations of the root's document.
fn annotations(resolution: &Resolution, manifests: &Manifests) -> Vec<(String, String)> {
    match resolution.index(&resolution.root.digest) {
        Some(index) => index.annotations.clone(),
        None => match manifests.get(&resolution.root.digest) {
            Some(Ok(manifest)) => manifest.annotations.clone(),
            _ => Vec::new(),
        },
    }
}
