//! The programs for `refkit frontend image`: those of the command line, or those beside this one.

use std::io;
use std::path::{Path, PathBuf};

use refkit::ErrorCode;
use refkit_images::frontend::Program;
use refkit_images::frontend::elf::Machine;
use refkit_images::frontend::program::{self, NAME, ProgramError};

use crate::error::CommandError;
use crate::error::plain;

/// Returns the programs, and a note for each file that was skipped.
///
/// # Errors
/// A usage error for two programs for the same platform; an error for a file that is no program, or if there is none.
pub fn find(named: &[PathBuf]) -> Result<(Vec<Program>, Vec<String>), CommandError> {
    if !named.is_empty() {
        return Ok((program::named(named).map_err(|error| failure(&error))?, Vec::new()));
    }
    let (found, passed_over) = program::in_directory(&directory()?).map_err(|error| failure(&error))?;
    let note = passed_over.map(|error| format!("passed over: {}", failure(&error)));
    Ok((found, note.into_iter().collect()))
}

/// Returns the directory of this program.
fn directory() -> Result<PathBuf, CommandError> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let failed = |error: io::Error| {
        let what = format_args!("cannot find the directory of this program: {}", plain(&error));
        CommandError::failed(ErrorCode::Other, what).hint("name a program with --binary FILE")
    };
    let program = program.map_err(failed)?;
    Ok(program.parent().unwrap_or(Path::new("/")).to_owned())
}

fn failure(error: &ProgramError) -> CommandError {
    match error {
        ProgramError::Read { source, .. } => {
            let not_found = source.kind() == io::ErrorKind::NotFound;
            let code = if not_found { ErrorCode::NotFound } else { ErrorCode::Other };
            CommandError::failed(code, format_args!("{error}: {}", plain(source)))
        }
        ProgramError::Unsuitable { .. } => {
            let hint = format!("build a static one: {}", build(error.machine()));
            CommandError::failed(ErrorCode::Invalid, error).hint(hint)
        }
        ProgramError::Twice { .. } => CommandError::usage(error),
        ProgramError::Missing { .. } => CommandError::failed(ErrorCode::NotFound, error)
            .hint("run make frontend in a checkout of RefKit, or name one with --binary FILE"),
        _ => CommandError::failed(ErrorCode::Other, error),
    }
}

/// Returns the line that builds the program for a machine, or for the most common one.
fn build(machine: Option<Machine>) -> String {
    let triple = machine.map_or("x86_64-unknown-linux-musl", |machine| machine.triple);
    format!("cargo build --release --package {NAME} --target {triple}")
}
