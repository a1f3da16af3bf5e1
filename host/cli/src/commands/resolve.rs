//! `refkit resolve`.

use anyhow::Context as _;
use clap::Args;
use refkit::{Parts, Selection};
use refkit_oci::Platform;
use refkit_report::{Requested, RunResult};

use super::{Run, Running};
use crate::arguments::{Format, Policies, Printing, Target};
use crate::output::Output;
use crate::prepared_run::{PreparedRun, platforms};
use crate::{image_source, served_run, server};

/// What the user can do if policies judged only some images of the printed index.
const JUDGE_MORE: &str = "to judge more, use --platform or --all-platforms";

/// Arguments of `refkit resolve`.
#[derive(Debug, Args)]
pub struct Resolve {
    #[command(flatten)]
    target: Target,
    /// Lets the policies of the server decide, instead of policies of the command.
    #[arg(long, help_heading = "Server", requires = "address",
        conflicts_with_all = ["files", "settings", "grants", "limits", "explain", "pull", "offline", "stale_if_error"])]
    server_policies: bool,
    #[command(flatten)]
    policies: Policies,
    #[command(flatten)]
    printing: Printing,
}

impl Run for Resolve {
    fn subject(&self) -> &str {
        &self.target.reference
    }

    fn format(&self) -> Format {
        self.printing.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.resolve())
    }
}

impl Resolve {
    /// Resolves by the policies of the server; without a platform the images of all platforms, because the policies judge
    /// images.
    async fn served(&self) -> anyhow::Result<Output> {
        let reference = image_source::reference(&self.target.reference)?.to_string();
        let remote = server::client(&self.target.server)?.context("a server is named")?;
        let named: Vec<Platform> = self.target.platforms.iter().cloned().map(Platform::normalized).collect();
        let output = served_run::resolve(&remote, &reference, &named).await;
        Ok(Output::of_run(output, reference, None, Vec::new(), self.printing.format))
    }

    async fn resolve(&self) -> anyhow::Result<Output> {
        if self.server_policies {
            return self.served().await;
        }
        let prepared = PreparedRun::new(&self.target, &self.policies).await?;
        let platforms = platforms(&self.target.platforms);
        let (requested, selection, parts) = match &self.target {
            Target { all_platforms: true, .. } => (Requested::All, Selection::All, Parts::IMAGES),
            // The root alone costs one HEAD. A policy may still judge an image; then it is this machine's.
            Target { platforms: named, .. } if named.is_empty() => {
                (Requested::Root(&platforms), Selection::Platforms(platforms.clone()), Parts::NONE)
            }
            _ => (Requested::Platforms(&platforms), Selection::Platforms(platforms.clone()), Parts::IMAGES),
        };
        let run = RunResult::of(prepared.session(selection, parts), &prepared).await;
        let output = match run.resolution() {
            Ok(resolution) => run.resolved(resolution, requested, JUDGE_MORE),
            Err(output) => *output,
        };
        Ok(prepared.output(&run, output, &self.printing))
    }
}
