//! `refkit inspect`.

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use refkit::{Absence, ErrorCode, Image, Parts, Resolution, Selection};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Platform};
use refkit_report::{DocumentSelector, ErrorMessage, Requested, RunOutput, RunResult, manifests};
use refkit_server::grpc::pb::Level;

use super::{Run, Running};
use crate::arguments::{Format, Policies, Printing, Target};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, Stdout};
use crate::prepared_run::{PreparedRun, platforms};
use crate::{image_source, served_run, server};

/// Arguments of `refkit inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Lists the layers of every manifest.
    #[arg(long)]
    layers: bool,
    /// Also lists attestations that the index does not have: the referrers of each manifest.
    #[arg(long)]
    attestations: bool,
    #[command(flatten)]
    document: DocumentFlags,
    #[command(flatten)]
    target: Target,
    /// Lets the policies of the server decide, instead of policies of the command. With --index, --manifest or --config.
    #[arg(long, help_heading = "Server", requires_all = ["address", "DocumentFlags"],
        conflicts_with_all = ["raw", "files", "settings", "grants", "limits", "explain", "pull", "offline", "stale_if_error"])]
    server_policies: bool,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    printing: Printing,
}

/// The document whose exact bytes are printed, for one --platform: by default, this machine's on Linux.
#[derive(Debug, Args)]
#[group(multiple = false, conflicts_with_all = ["all_platforms", "layers", "attestations", "format"])]
struct DocumentFlags {
    /// Prints the exact bytes of the root, the index or the manifest that REF names, and nothing else.
    #[arg(long)]
    raw: bool,
    /// Prints the exact bytes of the index that lists the platform's manifest, and nothing else.
    #[arg(long)]
    index: bool,
    /// Prints the exact bytes of the platform's manifest, and nothing else.
    #[arg(long)]
    manifest: bool,
    /// Prints the exact bytes of the platform's config, and nothing else.
    #[arg(long)]
    config: bool,
}

impl DocumentFlags {
    fn selector(&self) -> Option<DocumentSelector> {
        let flags = [
            (self.raw, DocumentSelector::Root),
            (self.index, DocumentSelector::Index),
            (self.manifest, DocumentSelector::Manifest),
            (self.config, DocumentSelector::Config),
        ];
        flags.into_iter().find_map(|(set, selector)| set.then_some(selector))
    }
}

impl Run for Inspect {
    fn subject(&self) -> &str {
        &self.target.reference
    }

    fn format(&self) -> Format {
        self.printing.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(async {
            match self.document.selector() {
                Some(selector) => self.document(selector).await,
                None => self.inspect().await,
            }
        })
    }
}

impl Inspect {
    async fn inspect(&self) -> anyhow::Result<Output> {
        let prepared = PreparedRun::new(&self.target, &self.policies).await?;
        let named = platforms(&self.target.platforms);
        let (requested, selection) = match &self.target.platforms[..] {
            [] => (Requested::All, Selection::All),
            _ => (Requested::Platforms(&named), Selection::Platforms(named.clone())),
        };
        let parts = Parts { attestations: self.attestations, ..Parts::IMAGES };
        let run = RunResult::of(prepared.session(selection, parts), &prepared).await;
        let output = match run.resolution() {
            Ok(resolution) => {
                let manifests = manifests::read(run.session(), resolution).await;
                run.inspected(resolution, &manifests, requested, self.layers).unwrap_or_else(|error| {
                    let message = ErrorMessage::new(ErrorCode::Invalid, error);
                    *RunOutput::failed(&message.hint("--platform picks single images".to_owned()))
                })
            }
            Err(output) => *output,
        };
        Ok(prepared.output(&run, output, &self.printing))
    }

    /// Prints one document of the image that the policies of the server choose.
    async fn served(&self, selector: DocumentSelector, platforms: &[Platform]) -> anyhow::Result<Output> {
        let reference = image_source::reference(&self.target.reference)?.to_string();
        let remote = server::client(&self.target.server)?.context("a server is named")?;
        let level = match selector {
            // Its flag is not for the policies of a server.
            DocumentSelector::Root => Level::Unspecified,
            DocumentSelector::Index => Level::Index,
            DocumentSelector::Manifest => Level::Manifest,
            DocumentSelector::Config => Level::Config,
        };
        let platform = platforms.first().context("a platform is wanted")?;
        Ok(match served_run::document(&remote, &reference, platform, level).await {
            Ok(bytes) => Output { stdout: Stdout::Exact(bytes.into()), messages: Vec::new(), exit: Exit::Resolved },
            Err(output) => Output::of_run(*output, reference, None, Vec::new(), self.printing.format),
        })
    }

    /// Prints one document. The run makes only the requests that lead to it.
    async fn document(&self, selector: DocumentSelector) -> anyhow::Result<Output> {
        let platforms = platforms(&self.target.platforms);
        if platforms.len() > 1 {
            return Err(CommandError::usage("the bytes of one document are those of one --platform").into());
        }
        if self.server_policies {
            return self.served(selector, &platforms).await;
        }
        let prepared = PreparedRun::new(&self.target, &self.policies).await?;
        let parts = if selector == DocumentSelector::Config { Parts::CONFIGS } else { Parts::IMAGES };
        let run = RunResult::of(prepared.session(Selection::Platforms(platforms), parts), &prepared).await;
        let found = match run.resolution() {
            Ok(resolution) => document(&run, resolution, selector).await,
            Err(output) => Err(output),
        };
        Ok(match found {
            Ok(bytes) => prepared.exact(&run, bytes.into(), &self.printing),
            Err(output) => prepared.output(&run, *output, &self.printing),
        })
    }
}

async fn document(
    run: &RunResult<'_>,
    resolution: &Resolution,
    selector: DocumentSelector,
) -> Result<Bytes, Box<RunOutput>> {
    let root = &resolution.root;
    let descriptor = match selector {
        // The root is printed even if it lists no image for the platform, but not if a policy denies the image, or
        // could not judge it.
        DocumentSelector::Root => {
            run.whole(resolution)?;
            root
        }
        DocumentSelector::Index if media_type::is_manifest(&root.media_type) => {
            let reference = run.name(&resolution.reference);
            let text = format_args!("{reference} is a manifest; there is no index");
            let message = ErrorMessage::new(ErrorCode::NotFound, text);
            return Err(RunOutput::failed(&message.hint("its bytes are those of --raw or --manifest".to_owned())));
        }
        _ => selector.select(root, image(run, resolution)?).ok_or_else(|| {
            let text = "the policies answered with an image without its config";
            RunOutput::failed(&ErrorMessage::new(ErrorCode::Other, text))
        })?,
    };
    if let Some(bytes) = resolution.bytes(&descriptor.digest) {
        return Ok(bytes.clone());
    }
    let fetched = run.session().fetch(resolution.reference.repository(), descriptor).await;
    fetched.map_err(|error| run.failed(&error))
}

/// Returns the only image.
fn image<'a>(run: &RunResult<'_>, resolution: &'a Resolution) -> Result<&'a Image<Descriptor>, Box<RunOutput>> {
    let place = resolution.images.first();
    match place.unwrap_or(&Err(Absence::NoMatch)) {
        Ok(image) => Ok(image),
        Err(absence) => {
            let platform = match &resolution.request.selection {
                Selection::Platforms(platforms) => platforms.first(),
                Selection::All => None,
            };
            Err(run.absent_alone(resolution, (0, platform), absence))
        }
    }
}
