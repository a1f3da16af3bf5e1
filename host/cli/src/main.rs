//! The refkit command.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod escape;
mod explain;
mod failure;
mod finished;
mod inspect;
mod level;
mod manifests;
mod picture;
mod places;
mod platform;
mod registry;
mod report;
mod resolve;
mod settings;
mod setup;
mod target;
mod tree;
mod units;
mod usage;

use std::process::ExitCode;

use answer::Answer;
use arguments::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use refkit::ErrorCode;

fn main() -> ExitCode {
    let answer = match Arguments::try_parse() {
        Ok(arguments) => run(&arguments).unwrap_or_else(|failure| finished::not_begun(&failure, &arguments)),
        Err(error) => usage::answer(&error, std::env::args_os().nth(1).as_deref()),
    };
    answer.print()
}

fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(ErrorCode::Other, error))?;
    let answer = runtime.block_on(async {
        match &arguments.command {
            Command::Resolve(arguments) => resolve::run(arguments).await,
            Command::Inspect(arguments) => inspect::run(arguments).await,
        }
    });
    // A component that was too slow to compile may still be at it.
    runtime.shutdown_background();
    answer
}
