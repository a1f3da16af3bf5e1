//! Joins a child, BuildKit and a handler until one of them ends.

use std::error::Error as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use refkit_buildkit::{Connection, ConnectionError};

use super::preface::{NotHttp2, PrefaceCheck};
use super::{Handler, serve};
use crate::child::{Child, Exit};

/// How long a child may take to end after its stream or BuildKit has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a run failed. The text is one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The child ended by a signal, or with an exit code that is not 0.
    #[error("{0}")]
    Exited(Exit),
    /// The child closed its stream and did not end, so it was killed.
    #[error("the frontend {0} closed its stream without ending")]
    Closed(String),
    /// The child wrote something else than HTTP/2 to its standard output.
    #[error("the frontend {name} wrote to its standard output what is no HTTP/2 ({problem}){}", after(.exit.as_ref()))]
    Garbage {
        /// The program of the child.
        name: String,
        /// What the child wrote, or the HTTP/2 error.
        problem: String,
        /// How the child ended, if it did so by itself.
        exit: Option<Exit>,
    },
    /// BuildKit closed the connection, or wrote something else than HTTP/2.
    #[error("BuildKit has ended the build{}", because(.0.as_ref()))]
    BuildKit(Option<ConnectionError>),
    /// The system cannot wait for the child.
    #[error("the frontend {name} cannot be waited for: {source}")]
    Unknown {
        /// The program of the child.
        name: String,
        /// The system's error.
        source: std::io::Error,
    },
}

fn after(exit: Option<&Exit>) -> String {
    exit.map(|exit| format!("; {exit}")).unwrap_or_default()
}

fn because(error: Option<&ConnectionError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// The part of a run that ended first.
enum End {
    Stream(Result<(), hyper::Error>),
    Child(std::io::Result<Exit>),
    BuildKit(Option<ConnectionError>),
}

/// Carries the calls of a child to BuildKit until one of them ends. The child and its calls are gone then, and the
/// connection to BuildKit remains usable.
///
/// # Errors
/// The [`Failure`] where anything ends the run except a child with the exit code 0.
pub async fn run<H: Handler>(mut child: Child, connection: Connection, handler: Arc<H>) -> Result<(), Failure> {
    let name = child.name().to_owned();
    let unknown = |source| Failure::Unknown { name: name.clone(), source };
    let Some(stream) = child.stream() else { return Err(Failure::Closed(name)) };
    let (stream, not_http2) = PrefaceCheck::new(stream);
    let end = {
        let mut serving = pin!(serve(stream, connection.clone(), handler));
        tokio::select! {
            served = &mut serving => End::Stream(served),
            // The server reads the child's last bytes first: they may say more than the exit code.
            exit = child.ended() => match tokio::time::timeout(PATIENCE, serving).await {
                Ok(Err(error)) if problem(&error, &not_http2).is_some() => End::Stream(Err(error)),
                _ => End::Child(exit),
            },
            ended = connection.ended() => End::BuildKit(ended.err()),
        }
    };
    let exit = child.stop(PATIENCE).await.map_err(unknown)?;
    match end {
        End::BuildKit(reason) => Err(Failure::BuildKit(reason)),
        End::Stream(Err(error)) if let Some(problem) = problem(&error, &not_http2) => {
            Err(Failure::Garbage { name, problem, exit: exit.filter(|exit| !exit.success()) })
        }
        End::Stream(_) => exit.map_or(Err(Failure::Closed(name)), judge),
        End::Child(exit) => judge(exit.map_err(unknown)?),
    }
}

fn judge(exit: Exit) -> Result<(), Failure> {
    if exit.success() { Ok(()) } else { Err(Failure::Exited(exit)) }
}

/// Returns what is wrong with the bytes of a child. Returns `None` for a broken stream, which means that the child ended.
fn problem(error: &hyper::Error, not_http2: &NotHttp2) -> Option<String> {
    let source = error.source()?;
    let broken = || (!source.is::<std::io::Error>()).then(|| source.to_string());
    not_http2.get().cloned().or_else(broken)
}
