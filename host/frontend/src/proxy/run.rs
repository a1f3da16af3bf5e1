//! A child, BuildKit and a handler, joined.

use std::error::Error as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use refkit_buildkit::{Connection, ConnectionError};

use super::opening::{Instead, Opening};
use super::{Calls, serve};
use crate::child::{Child, Exit};

/// How long a child may take to end that has nothing to do any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// What ended a run that did not end well. Its text is one line.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The child ended, and not with the exit code 0.
    #[error("{0}")]
    Exited(Exit),
    /// The child closed its stream and went on, until it was ended.
    #[error("the frontend {0} closed its stream without ending")]
    Closed(String),
    /// The child wrote something else than HTTP/2.
    #[error("the frontend {name} wrote to its standard output what is no HTTP/2 ({problem}){}", after(.exit.as_ref()))]
    Garbage {
        /// What the child was started as.
        name: String,
        /// What is wrong with it.
        problem: String,
        /// How the child ended, where it did so by itself.
        exit: Option<Exit>,
    },
    /// BuildKit closed the connection, or wrote something else than HTTP/2.
    #[error("BuildKit has ended the build{}", because(.0.as_ref()))]
    BuildKit(Option<ConnectionError>),
    /// The system does not tell how the child is.
    #[error("the frontend {name} cannot be waited for: {source}")]
    Unknown {
        /// What the child was started as.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
}

fn after(exit: Option<&Exit>) -> String {
    exit.map(|exit| format!("; {exit}")).unwrap_or_default()
}

fn because(error: Option<&ConnectionError>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

/// What ends a run.
enum End {
    Stream(Result<(), hyper::Error>),
    Child(std::io::Result<Exit>),
    BuildKit(Option<ConnectionError>),
}

/// Lets a child and BuildKit speak with each other until one of them ends. The child is gone then, and so are its calls;
/// the connection to BuildKit is as it was.
///
/// # Errors
/// Where anything else ends it than the child, with the exit code 0.
pub async fn run<C: Calls>(mut child: Child, connection: Connection, calls: Arc<C>) -> Result<(), Failure> {
    let name = child.name().to_owned();
    let unknown = |source| Failure::Unknown { name: name.clone(), source };
    let Some(stream) = child.stream() else { return Err(Failure::Closed(name)) };
    let (stream, instead) = Opening::new(stream);
    let end = {
        let mut serving = pin!(serve(stream, connection.clone(), calls));
        tokio::select! {
            served = &mut serving => End::Stream(served),
            // What it wrote last is read all the same: it may tell more than that it is gone.
            exit = child.ended() => match tokio::time::timeout(PATIENCE, serving).await {
                Ok(Err(error)) if problem(&error, &instead).is_some() => End::Stream(Err(error)),
                _ => End::Child(exit),
            },
            ended = connection.ended() => End::BuildKit(ended.err()),
        }
    };
    let exit = child.stop(PATIENCE).await.map_err(unknown)?;
    match end {
        End::BuildKit(reason) => Err(Failure::BuildKit(reason)),
        End::Stream(Err(error)) if let Some(problem) = problem(&error, &instead) => {
            Err(Failure::Garbage { name, problem, exit: exit.filter(|exit| !exit.success()) })
        }
        End::Stream(_) => exit.map_or(Err(Failure::Closed(name)), judge),
        End::Child(exit) => judge(exit.map_err(unknown)?),
    }
}

fn judge(exit: Exit) -> Result<(), Failure> {
    if exit.success() { Ok(()) } else { Err(Failure::Exited(exit)) }
}

/// Returns what is wrong with what a child sent, if that is what is wrong: a stream that breaks is the end of a child.
fn problem(error: &hyper::Error, instead: &Instead) -> Option<String> {
    let source = error.source()?;
    let broken = || (!source.is::<std::io::Error>()).then(|| source.to_string());
    instead.get().cloned().or_else(broken)
}
