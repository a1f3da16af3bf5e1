//! `refkit man`: writes the manual pages. `make man` runs it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::{Run, Running};
use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::output::{Output, Stdout};

/// Arguments of `refkit man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The directory, which is made where it is absent.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Run for Man {
    fn subject(&self) -> &str {
        "the manual pages"
    }

    fn run(&self) -> Running<'_> {
        Box::pin(async { write(&self.directory) })
    }
}

/// Writes a page for each command that is not hidden: `refkit.1`, `refkit-resolve.1`, `refkit-cache-info.1`.
fn write(directory: &Path) -> anyhow::Result<Output> {
    let written =
        std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Arguments::command(), directory));
    written.with_context(|| format!("cannot write the pages to {}", directory.display()))?;
    Ok(Output { stdout: Stdout::Lines(Vec::new()), messages: Vec::new(), exit: Exit::Resolved })
}
