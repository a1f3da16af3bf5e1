//! The refkit command.
#![forbid(unsafe_code)]

mod arguments;
mod caches;
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
mod usage_error;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use output::Output;

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
    let output = match Arguments::try_parse() {
        Ok(arguments) => {
            logging::start(arguments.verbose);
            run(&arguments).unwrap_or_else(|error| commands::failed(&error, &arguments.command))
        }
        Err(error) => usage_error::output(&error, std::env::args_os().skip(1)),
    };
    output.print()
}

fn run(arguments: &Arguments) -> anyhow::Result<Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let output = runtime.block_on(arguments.command.get().run());
    // Work on other threads, such as writing the cache, ends with the process.
    runtime.shutdown_background();
    output
}
