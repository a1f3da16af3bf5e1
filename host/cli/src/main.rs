//! The refkit command.
#![forbid(unsafe_code)]

mod arguments;
mod caches;
mod colours;
mod commands;
mod compiler;
mod destination_error;
mod directories;
mod error;
mod exit;
mod help;
mod hints;
mod image_source;
mod logging;
mod output;
mod places;
mod policies;
mod prepared_publish;
mod prepared_run;
mod progress;
mod registry;
mod served_run;
mod server;
mod spelling;
mod stopping;
mod usage_error;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use commands::Run;
use output::Output;
use stopping::Signals;

/// musl's own allocator is slow if threads share it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::disallowed_methods, reason = "a program reads its arguments")]
fn main() -> ExitCode {
    // The command compiles policies in a separate process, for which it starts itself.
    if let Some(code) = refkit::compiler::serve(std::env::args_os()) {
        return code;
    }
    match Arguments::try_parse() {
        Ok(arguments) => {
            logging::start(arguments.verbose, arguments.command.get().log());
            run(&arguments).unwrap_or_else(|error| commands::failed(&error, &arguments.command).print())
        }
        Err(error) => usage_error::output(&error, std::env::args_os().skip(1)).print(),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let command = arguments.command.get();
    if command.log().is_some() {
        return serve(command);
    }
    let signals = Signals::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(signals.or(command.run())) {
        Ok(output) => {
            // Work on other threads, such as writing the cache, ends with the process.
            runtime.shutdown_background();
            Ok(output?.print())
        }
        Err(stopped) => {
            let code = Output::stopped(stopped).print();
            stopping::clean(runtime);
            Ok(code)
        }
    }
}

/// Runs a command that serves. It has work for every processor, and handles signals by itself.
fn serve(command: &dyn Run) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let output = runtime.block_on(command.run());
    runtime.shutdown_background();
    Ok(output?.print())
}
