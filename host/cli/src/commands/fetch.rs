//! `refkit fetch`.

use clap::Args;
use refkit::{Error, ErrorCode};
use refkit_content::Resolve as _;
use refkit_oci::Descriptor;

use super::{Run, Running};
use crate::arguments::{Caching, Registries, Server};
use crate::directories::Directories;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::hints;
use crate::image_source::ImageSource;
use crate::output::{Output, Stdout};

/// The largest content that is printed: 64 MiB. Layers are copied, not printed.
const LIMIT: u64 = 64 << 20;

/// Arguments of `refkit fetch`.
#[derive(Debug, Args)]
pub struct Fetch {
    /// The manifest or index; with --size, other content by its digest.
    #[arg(value_name = "REF")]
    reference: String,
    /// The size of other content in bytes, such as a config, as the manifest that names it says.
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    #[command(flatten)]
    registries: Registries,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    caching: Caching,
}

impl Run for Fetch {
    fn subject(&self) -> &str {
        &self.reference
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.fetch())
    }
}

impl Fetch {
    async fn fetch(&self) -> anyhow::Result<Output> {
        let directories = Directories::of_environment();
        let access = (&self.registries, &self.server, &self.caching);
        let image = ImageSource::open(&self.reference, access, &directories).await?;
        let (source, reference) = (image.source(), image.reference());
        let failed = |error| hints::failed(&Error::from(error), &image);
        let (bytes, origin) = match (self.size, reference.digest()) {
            (None, _) => {
                let pulled = source.pull(reference).await.map_err(failed)?;
                (pulled.value.bytes, pulled.origin)
            }
            (Some(_), None) => {
                return Err(CommandError::usage("--size is for content by its digest")
                    .hint("write REPOSITORY@DIGEST")
                    .into());
            }
            (Some(size), Some(digest)) => {
                let descriptor = Descriptor::new("application/octet-stream", digest.clone(), size);
                if size > LIMIT {
                    let text = format_args!("{size} bytes are more than the {LIMIT} that are printed");
                    return Err(CommandError::failed(ErrorCode::Invalid, text).into());
                }
                let fetched = refkit_content::fetch(&*source, reference.repository(), &descriptor, LIMIT).await;
                let fetched = fetched.map_err(failed)?;
                (fetched.value, fetched.origin)
            }
        };
        let messages = image.messages(&origin);
        Ok(Output { stdout: Stdout::Exact(bytes.to_vec()), messages, exit: Exit::Resolved })
    }
}
