//! `ResolveImage`.

use std::collections::HashSet;

use refkit::{Answer, Event, Image, Outcome, Resolution, Session};
use refkit_oci::{Descriptor, Digest};
use refkit_report::DocumentSelector;
use tonic::{Request, Response, Status};

use super::answer::absence;
use super::ran::{Ran, run};
use crate::grpc::{Api, Call, failed, pb, wire};

/// The most bytes of content in a response.
const CONTENTS: usize = 48 << 20;

/// Resolves an image.
pub async fn resolve(
    api: &Api,
    call: &Call,
    request: Request<pb::ResolveImageRequest>,
) -> Result<Response<pb::ResolveImageResponse>, Status> {
    let request = request.into_inner();
    let Ran { session, outcome, level } = run(api, call, "ResolveImage", &request).await?;
    let resolution = match outcome {
        Ok(Outcome::Resolved(resolution)) => resolution,
        Ok(Outcome::Denied { denials, .. }) => {
            return Err(failed::denied(&session.request().reference.to_string(), &denials));
        }
        Err(error) => return Err(failed::run(&session, &error)),
    };
    let mut room = CONTENTS;
    let mut images = Vec::with_capacity(resolution.images.len());
    for (place, image) in resolution.images.iter().enumerate() {
        let result = match image {
            Ok(image) => {
                let content = content(&session, &resolution, image, level, &mut room).await?;
                pb::image_result::Result::Image(message(image, content))
            }
            Err(reason) => pb::image_result::Result::Absence(absence(&resolution, place, reason)),
        };
        images.push(pb::ImageResult { result: Some(result) });
    }
    let contents = if request.everything { everything(&session, &resolution, &mut room)? } else { Vec::new() };
    Ok(Response::new(pb::ResolveImageResponse {
        reference: resolution.reference.to_string(),
        root: Some(wire::descriptor(&resolution.root)),
        images,
        contents,
    }))
}

fn message(image: &Image<Descriptor>, content: Option<pb::Content>) -> pb::Image {
    pb::Image {
        platform: image.platform.as_ref().map(wire::platform),
        parents: image.parents.iter().map(wire::descriptor).collect(),
        manifest: Some(wire::descriptor(&image.manifest)),
        config: image.config.as_ref().map(wire::descriptor),
        attestations: image.attestations.iter().map(wire::descriptor).collect(),
        content,
    }
}

/// Option 2: returns the document of the wanted level.
async fn content(
    session: &Session,
    resolution: &Resolution,
    image: &Image<Descriptor>,
    level: pb::Level,
    room: &mut usize,
) -> Result<Option<pb::Content>, Status> {
    let selector = match level {
        pb::Level::Unspecified => return Ok(None),
        pb::Level::Index => DocumentSelector::Index,
        pb::Level::Manifest => DocumentSelector::Manifest,
        pb::Level::Config => DocumentSelector::Config,
    };
    let Some(descriptor) = selector.select(&resolution.root, image) else { return Ok(None) };
    let fetched = session.fetch(resolution.reference.repository(), descriptor).await;
    let data = fetched.map_err(|error| failed::run(session, &error))?;
    take(room, data.len())?;
    Ok(Some(pb::Content { descriptor: Some(wire::descriptor(descriptor)), data }))
}

/// Option 1: returns all content that the run has met, in the order in which it came.
fn everything(session: &Session, resolution: &Resolution, room: &mut usize) -> Result<Vec<pb::Content>, Status> {
    let mut met: HashSet<Digest> = HashSet::new();
    let mut contents = Vec::new();
    for span in session.trace().spans {
        let Event::Call(observation) = span.event else { continue };
        let Some(Ok(found)) = observation.result else { continue };
        let (Answer::Pulled(descriptor) | Answer::Fetched(descriptor)) = found.value else { continue };
        let Some(data) = resolution.bytes(&descriptor.digest).filter(|_| met.insert(descriptor.digest.clone())) else {
            continue;
        };
        take(room, data.len())?;
        contents.push(pb::Content { descriptor: Some(wire::descriptor(&descriptor)), data: data.clone() });
    }
    Ok(contents)
}

fn take(room: &mut usize, bytes: usize) -> Result<(), Status> {
    *room = room.checked_sub(bytes).ok_or_else(|| {
        Status::resource_exhausted(format!("the content has more than {CONTENTS} bytes: ask for fewer platforms"))
    })?;
    Ok(())
}
