//! The refkit-frontend command: the entrypoint of a BuildKit frontend's image that ships policies.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use refkit_frontend::Arguments;

/// By this, `refkit frontend image --check` tells the version of the program in an image.
#[used]
static MARK: &str = concat!("refkit-frontend-version:", env!("CARGO_PKG_VERSION"), ";");

/// musl's own allocator is slow where threads share it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // This program compiles policies in a process of its own, and starts itself for that: the container has no other.
    if let Some(code) = refkit::compiler::serve(std::env::args_os()) {
        return code;
    }
    let arguments = Arguments::parse();
    if !arguments.print.is_empty() {
        let mut text = arguments.print.join("\n");
        text.push('\n');
        // A reader that has gone away has had enough.
        let _ = std::io::stdout().write_all(text.as_bytes());
        return ExitCode::SUCCESS;
    }
    match refkit_frontend::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // BuildKit's log has it; who builds was told over the connection.
            let _ = writeln!(std::io::stderr(), "refkit-frontend: {error:#}");
            ExitCode::FAILURE
        }
    }
}
