//! `refkit inspect --raw | --index | --manifest | --config`: the exact bytes of one document, with no request more than
//! it takes to get there.

use bytes::Bytes;
use refkit::{Absence, ErrorCode, Image, Parts, Resolution, Selection};
use refkit_oci::Descriptor;
use refkit_oci::document::media_type;

use crate::answer::Answer;
use crate::arguments::{self, Level};
use crate::failure::{self, Failure};
use crate::finished::{self, Finished, Told};
use crate::setup::{self, Setup};

/// Resolves one platform, and returns the bytes.
///
/// # Errors
/// Where nothing was asked yet: a usage error, a policy or a layout that cannot be used.
pub async fn run(arguments: &arguments::Inspect, level: Level) -> Result<Answer, Failure> {
    let platforms = setup::platforms(&arguments.target.platforms);
    if platforms.len() > 1 {
        return Err(Failure::usage("the bytes of one document are those of one --platform"));
    }
    let setup = Setup::new(&arguments.target, &arguments.policies).await?;
    let parts = if level == Level::Config { Parts::CONFIGS } else { Parts::IMAGES };
    let finished = Finished::run(&setup, Selection::Platforms(platforms), parts).await;
    let found = match finished.resolution() {
        Ok(resolution) => bytes(&finished, resolution, level).await,
        Err(told) => Err(told),
    };
    Ok(match found {
        Ok(bytes) => finished.exact(&arguments.output, bytes.into()),
        Err(told) => finished.answer(&arguments.output, told),
    })
}

async fn bytes(finished: &Finished<'_>, resolution: &Resolution, level: Level) -> Result<Bytes, Told> {
    let descriptor = match level {
        // Whoever asks for the root asks for no image, so that there is none is no reason to keep the root back. That
        // a policy refuses it, or could not look at it, is one.
        Level::Root => {
            finished.whole(resolution)?;
            resolution.root.clone()
        }
        Level::Index if media_type::is_manifest(&resolution.root.media_type) => {
            let reference = finished.setup.target.show(&resolution.reference);
            let failure =
                Failure::failed(ErrorCode::NotFound, format_args!("{reference} is a manifest; there is no index"));
            return Err(finished::failed(&failure.hint("its bytes are those of --raw or --manifest")));
        }
        Level::Index => {
            let image = image(finished, resolution)?;
            image.parents.last().unwrap_or(&resolution.root).clone()
        }
        Level::Manifest => image(finished, resolution)?.manifest.clone(),
        Level::Config => {
            let config = image(finished, resolution)?.config.clone();
            config.ok_or_else(|| {
                let text = "the policies answered with an image without its config";
                finished::failed(&Failure::failed(ErrorCode::Other, text))
            })?
        }
    };
    if let Some(bytes) = resolution.bytes(&descriptor.digest) {
        return Ok(bytes.clone());
    }
    let fetch = finished.session.fetch(resolution.reference.repository(), &descriptor);
    let (budget, spent) = (finished.session.budget(), finished.session.spent());
    let fetched = tokio::time::timeout(budget.wall.saturating_sub(spent.wall), fetch).await;
    let fetched = fetched.unwrap_or(Err(refkit::Error::Timeout { limit: budget.wall }));
    fetched.map_err(|error| finished::failed(&failure::session(&error, &finished.setup.target)))
}

/// Returns the only image.
#[expect(clippy::result_large_err, reason = "there is one at a time, and the command ends with it")]
fn image<'a>(finished: &Finished<'_>, resolution: &'a Resolution) -> Result<&'a Image<Descriptor>, Told> {
    let place = resolution.images.first();
    match place.unwrap_or(&Err(Absence::NoMatch)) {
        Ok(image) => Ok(image),
        Err(absence) => {
            let platform = match &resolution.request.selection {
                Selection::Platforms(platforms) => platforms.first(),
                Selection::All => None,
            };
            Err(finished.nothing(resolution, (0, platform), absence))
        }
    }
}
