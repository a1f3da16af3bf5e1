//! The programs that lie beside this one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use refkit_images::frontend::Program;
use refkit_images::frontend::program::{self, ProgramError};

use super::failure;

/// Returns the directory of this program.
///
/// # Errors
/// The error of the operating system.
pub fn directory() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let program = program.context("cannot find the directory of this program; name a program with --binary FILE")?;
    Ok(program.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Returns the programs in a directory, and a note for each file that was skipped.
///
/// # Errors
/// The error of a file that is no program, or of a directory without one.
pub fn beside(directory: &Path) -> Result<(Vec<Program>, Vec<String>), ProgramError> {
    let (found, passed_over) = program::in_directory(directory)?;
    let note = passed_over.map(|error| format!("passed over: {}", failure::of_program(&error)));
    Ok((found, note.into_iter().collect()))
}
