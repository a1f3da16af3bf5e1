//! `refkit serve`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use refkit::{Engine, EngineOptions, ErrorCode};
use refkit_registry::DockerConfig;
use refkit_report::{ErrorMessage, Escaped, table};
use refkit_server::{Event, Means, Server, StartError, State};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::{Run, Running};
use crate::arguments::{Compiling, Registries};
use crate::directories::{self, Directories};
use crate::exit::Exit;
use crate::logging::LogFormat;
use crate::output::{Output, Stdout};
use crate::{caches, compiler, policies};

/// Arguments of `refkit serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Reads this refkit.toml instead of the usual ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Reads and loads everything, prints the effective settings with the file and the line of each, and ends.
    #[arg(long)]
    check: bool,
    /// The format of the log.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Reads this buildkitd.toml instead of the usual ones.
    #[arg(long, value_name = "FILE", help_heading = "Registries")]
    buildkitd_config: Option<PathBuf>,
    /// Reads this directory of HOST/hosts.toml, as containerd has it, instead of the usual ones.
    #[arg(long, value_name = "DIR", help_heading = "Registries")]
    hosts_dir: Option<PathBuf>,
    #[command(flatten)]
    compiling: Compiling,
}

impl Run for Serve {
    fn subject(&self) -> &str {
        ""
    }

    fn log(&self) -> Option<LogFormat> {
        (!self.check).then_some(self.log_format)
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.serve())
    }
}

impl Serve {
    async fn serve(&self) -> anyhow::Result<Output> {
        let means = self.means()?;
        if self.check {
            return Ok(State::load(&means).await.map_or_else(|error| refused(&error), |state| checked(&state)));
        }
        // Before anything listens, so that a signal right after the start is not lost.
        let events = events()?;
        match Server::start(means).await {
            Ok(server) => server.run(events).await,
            Err(error) => return Ok(refused(&error)),
        }
        Ok(Output { stdout: Stdout::Lines(Vec::new()), messages: Vec::new(), exit: Exit::Resolved })
    }

    fn means(&self) -> anyhow::Result<Means> {
        let mut notes = Vec::new();
        let directories = Directories::of_environment();
        let registries = Registries {
            refkit: self.config.clone(),
            buildkitd: self.buildkitd_config.clone(),
            certs_d: self.hosts_dir.clone(),
            plain_http: false,
        };
        let files = directories.files(&registries);
        let opened = caches::compiled(&directories);
        let cache = opened.map_err(|error| notes.push(format!("compiled policies are not kept: {error}"))).ok();
        let options = EngineOptions { cache, compiler: compiler::options(&self.compiling), ..EngineOptions::default() };
        let engine = Engine::new(options).context("cannot start the sandbox")?;
        let means = Means::new(files.refkit.clone(), files, engine).proxies(directories::proxies());
        let means = means.default_code(policies::default_code()).cache(directories.content.clone()).notes(notes);
        Ok(match &directories.docker_config {
            Some(path) => means.credentials(Arc::new(DockerConfig::new(path, directories::helpers()))),
            None => means,
        })
    }
}

/// Returns the effective settings, and which digests the tags of policies name.
fn checked(state: &State) -> Output {
    let settings = state.settings().lines();
    let rows = settings.into_iter().map(|line| {
        let source = line.position.map_or_else(|| "default".to_owned(), |position| position.to_string());
        [format!("{} = {}", line.name, line.value), source]
    });
    let loaded = state.policies().iter().filter_map(|(name, policy)| {
        let artifact = policy.artifact.as_ref()?;
        Some([format!("policy.{name} is oci://{artifact}"), "resolved now".to_owned()])
    });
    let rows: Vec<_> = rows.chain(loaded).collect();
    let lines = table(&rows).iter().map(|line| Escaped(line).to_string()).collect();
    let messages = state.notes().map(|note| Escaped(format!("note: {note}")).to_string()).collect();
    Output { stdout: Stdout::Lines(lines), messages, exit: Exit::Resolved }
}

/// Returns a line for everything that is wrong.
fn refused(error: &StartError) -> Output {
    let text = error.to_string();
    let messages = text.lines().map(|line| ErrorMessage::new(ErrorCode::Invalid, line).to_string()).collect();
    Output { stdout: Stdout::Lines(Vec::new()), messages, exit: Exit::Failed }
}

/// Returns what the signals tell the server.
fn events() -> anyhow::Result<mpsc::Receiver<Event>> {
    let context = "cannot wait for signals";
    let mut hangup = signal(SignalKind::hangup()).context(context)?;
    let mut terminate = signal(SignalKind::terminate()).context(context)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(context)?;
    let (sender, events) = mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            let event = tokio::select! {
                _ = hangup.recv() => Event::Reload,
                _ = terminate.recv() => Event::Stop,
                _ = interrupt.recv() => Event::Stop,
            };
            // The server has ended.
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
    Ok(events)
}
