//! The refkit command.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod cache;
mod cached;
mod compiling;
mod failure;
mod finished;
mod frontend;
mod hosts;
mod inspect;
mod level;
mod manifests;
mod picture;
mod places;
mod precompile;
mod registry;
mod report;
mod resolve;
mod setup;
mod target;
mod usage;

use std::process::ExitCode;

use answer::Answer;
use arguments::{Arguments, Command, Frontend, FrontendCommand};
use clap::Parser;
use failure::Failure;
use refkit::ErrorCode;

/// musl's own allocator is slow where threads share it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // This program compiles policies in a process of its own, and starts itself for that.
    if let Some(code) = refkit::compiler::serve(std::env::args_os()) {
        return code;
    }
    let answer = match Arguments::try_parse() {
        Ok(arguments) => run(&arguments).unwrap_or_else(|failure| finished::not_begun(&failure, &arguments)),
        Err(error) => usage::answer(&error, std::env::args_os().skip(1)),
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
            Command::Hosts(arguments) => hosts::run(arguments).await,
            Command::Cache(arguments) => cache::run(arguments).await,
            Command::Precompile => precompile::run(),
            Command::Frontend(Frontend { command: FrontendCommand::Image(arguments) }) => {
                frontend::run(arguments).await
            }
        }
    });
    // Work on other threads that nothing waits for any more ends with the process.
    runtime.shutdown_background();
    answer
}
