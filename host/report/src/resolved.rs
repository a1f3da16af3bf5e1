//! The report of a request that resolves a reference.

use std::collections::HashSet;

use refkit::{Absence, Image, Judged, Resolution};
use refkit_oci::{Descriptor, Digest, Platform};

use crate::json::{ErrorReport, ImageOrAbsence, ImageReport, OutcomeReport, PlaceReport, ResolvedReport};
use crate::{Escaped, RunOutput, RunResult, Status, table};

/// Which images the caller asked for.
#[derive(Debug, Clone, Copy)]
pub enum Requested<'a> {
    /// None: the root alone. Policies that judge images judge those of these platforms.
    Root(&'a [Platform]),
    /// The images of these platforms, each normalised.
    Platforms(&'a [Platform]),
    /// The images of all platforms.
    All,
}

impl<'a> Requested<'a> {
    /// Returns the platform of a place: the requested one, otherwise the image's own.
    pub(crate) fn platform<'b>(
        self,
        place: usize,
        image: &'b Result<Image<Descriptor>, Absence>,
    ) -> Option<&'b Platform>
    where
        'a: 'b,
    {
        let named = match self {
            Self::Root(platforms) | Self::Platforms(platforms) => platforms.get(place),
            Self::All => None,
        };
        named.or_else(|| image.as_ref().ok()?.platform.as_ref())
    }
}

/// The places of a report, with the messages and the status of those that are absent.
pub(crate) struct Places {
    pub(crate) images: Vec<PlaceReport>,
    pub(crate) error: Option<ErrorReport>,
    pub(crate) messages: Vec<String>,
    pub(crate) status: Status,
}

impl Places {
    /// Returns the places of an answer; `report` reports an image.
    pub(crate) fn of(
        run: &RunResult<'_>,
        resolution: &Resolution,
        images: &[Result<Image<Descriptor>, Absence>],
        requested: Requested<'_>,
        report: impl Fn(&Image<Descriptor>) -> ImageReport,
    ) -> Self {
        let mut places = Self { images: Vec::new(), error: None, messages: Vec::new(), status: Status::Resolved };
        for (place, image) in images.iter().enumerate() {
            let platform = requested.platform(place, image);
            let report = match image {
                Ok(image) => ImageOrAbsence::Image(Box::new(report(image))),
                Err(absence) => {
                    let (messages, status) = run.absent(resolution, (place, platform), absence);
                    places.messages.extend(messages);
                    places.status = places.status.max(status);
                    places.error = places.error.or_else(|| run.error(resolution, platform, absence));
                    run.absence(resolution, place, absence)
                }
            };
            places.images.push(PlaceReport { platform: platform.map(Into::into), place: report });
        }
        places
    }
}

impl RunResult<'_> {
    /// Returns the output of a resolution: the pinned root, or a line for each requested image. `judge_more` is what the
    /// user can do if policies judged only some images of the root.
    pub fn resolved(&self, resolution: &Resolution, requested: Requested<'_>, judge_more: &str) -> RunOutput {
        let pinned =
            |image: &Image<Descriptor>| self.name(&resolution.reference.with_digest(image.manifest.digest.clone()));
        let row = |(place, image): (usize, &Result<Image<Descriptor>, Absence>)| {
            let name = requested.platform(place, image).map_or_else(|| "unknown".to_owned(), ToString::to_string);
            let pinned = pinned(image.as_ref().ok()?);
            Some([Escaped(name).to_string(), Escaped(pinned).to_string()])
        };
        let rows: Vec<[String; 2]> = resolution.images.iter().enumerate().filter_map(row).collect();
        let lines = match (requested, &rows[..]) {
            (Requested::Root(_), []) => vec![Escaped(self.name(&resolution.pinned())).to_string()],
            (Requested::Platforms([_]), [[_, pinned]]) => vec![pinned.clone()],
            (_, rows) => table(rows),
        };
        let places =
            Places::of(self, resolution, &resolution.images, requested, |image| ImageReport::of(image, pinned(image)));
        let report = ResolvedReport {
            reference: self.name(&resolution.reference),
            pinned: Some(self.name(&resolution.pinned())),
            root: (&resolution.root).into(),
            judged: resolution.judged.iter().map(Into::into).collect(),
            annotations: Default::default(),
            images: places.images,
        };
        RunOutput {
            lines,
            report: OutcomeReport::resolved(report, places.error),
            messages: judged(resolution, judge_more).into_iter().chain(places.messages).collect(),
            status: places.status,
        }
    }
}

/// Returns a note if policies judged some images of the printed root and not all that it lists: another client may
/// select an image that no policy has judged.
fn judged(resolution: &Resolution, judge_more: &str) -> Option<String> {
    let manifests: HashSet<&Digest> = resolution.judged.iter().map(|judged| &judged.manifest).collect();
    let unjudged = resolution.images_of_root().iter().any(|image| !manifests.contains(image));
    if resolution.judged.is_empty() || !unjudged {
        return None;
    }
    let mut images: Vec<String> = Vec::new();
    for Judged { policy, platform, manifest, .. } in &resolution.judged {
        let platform = platform.as_ref().map_or_else(|| manifest.to_string(), ToString::to_string);
        let image = format!("{platform} (by {policy})");
        if !images.contains(&image) {
            images.push(image);
        }
    }
    let images = Escaped(images.join(", ")).to_string();
    Some(format!("note: of this index, the policies judged {images} and no other image; {judge_more}"))
}
