//! The copy of one image.

use clap::Args;
use refkit::PublishRequest;
use refkit_oci::{Platform, Reference};

use crate::arguments::{Along, PublishOptions};
use crate::output::Output;
use crate::places::Places;
use crate::prepared_publish::PreparedPublish;

/// What is copied of an image.
#[derive(Debug, Args)]
pub struct What {
    /// Copies the image for this platform only, such as linux/arm64; may be given more than once. The destination gets an
    /// index of what was copied.
    #[arg(short = 'p', long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    pub platforms: Vec<Platform>,
    /// With --platform: keeps the bytes of the index, although it then names images that were not copied. Some registries
    /// refuse that.
    #[arg(long, requires = "platforms")]
    sparse: bool,
    #[command(flatten)]
    along: Along,
}

impl What {
    /// Returns the places of a copy, as yet none.
    pub fn places(&self) -> Places {
        Places::default().sparse(self.sparse)
    }

    /// Returns the request for a copy.
    pub fn request(&self, source: Reference, destination: Reference) -> PublishRequest {
        let request = PublishRequest::new(source, destination);
        self.platforms.iter().cloned().fold(request, PublishRequest::platform)
    }

    /// Returns a publication between these places.
    ///
    /// # Errors
    /// As [`PreparedPublish::new`].
    pub async fn prepare(&self, places: Places, options: &PublishOptions) -> anyhow::Result<PreparedPublish> {
        let mut settings = self.along.settings(options);
        settings.extend(self.sparse.then(|| options.setting("sparse", "true")));
        let prepared = PreparedPublish::new(places, options, &settings).await?;
        Ok(prepared.map(|publisher| self.along.allow(publisher).sparse(self.sparse)))
    }
}

/// Copies one image.
///
/// # Errors
/// A usage error, or the error of a place, a policy or a file that cannot be used.
pub async fn copy(
    (source, destination): (&str, &str),
    what: &What,
    options: &PublishOptions,
) -> anyhow::Result<Output> {
    let mut places = what.places();
    let source = places.source(source).await?;
    // A digest that the source has is not that of a part of it.
    let like = (source.tag().is_some() || what.platforms.is_empty()).then_some(&source);
    let destination = places.destination(destination, like).await?;
    let prepared = what.prepare(places, options).await?;
    let result = prepared.publish(what.request(source, destination)).await?;
    Ok(prepared.output(&result))
}
