//! The refkit-frontend command: the entrypoint of a BuildKit frontend's image that ships policies.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use refkit_frontend::Arguments;

/// The version of this program. `refkit frontend image --check` reads it from the program in an image.
#[used]
static MARK: &str = concat!("refkit-frontend-version:", env!("CARGO_PKG_VERSION"), ";");

/// musl's allocator is slow where threads share it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[expect(clippy::disallowed_methods, reason = "a program reads its arguments")]
fn main() -> ExitCode {
    // This program starts itself to compile policies in a separate process, because the container has no other program.
    if let Some(code) = refkit::compiler::serve(std::env::args_os()) {
        return code;
    }
    let arguments = Arguments::parse();
    if !arguments.print.is_empty() {
        let mut text = arguments.print.join("\n");
        text.push('\n');
        // A closed standard output needs no report.
        let _ = std::io::stdout().write_all(text.as_bytes());
        return ExitCode::SUCCESS;
    }
    match refkit_frontend::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // This is for BuildKit's log. The client has the error from `Return`.
            let _ = writeln!(std::io::stderr(), "refkit-frontend: {error:#}");
            ExitCode::FAILURE
        }
    }
}
