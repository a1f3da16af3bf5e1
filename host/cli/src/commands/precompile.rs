//! `refkit precompile`: writes the default policies, compiled ahead of time, beside this program. `make` runs it.

use std::io;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use refkit::{DEFAULT_CODE, DEFAULT_COMPONENT, Engine, PUBLISH_CODE, PUBLISH_COMPONENT, Shipped, platform};
use refkit_images::frontend::elf::Machine;

use super::{Run, Running};
use crate::exit::Exit;
use crate::output::{Output, Stdout};

/// `refkit precompile` has no arguments.
#[derive(Debug, Args)]
pub struct Precompile {}

impl Run for Precompile {
    fn subject(&self) -> &str {
        "the default policies"
    }

    fn run(&self) -> Running<'_> {
        Box::pin(async { precompile() })
    }
}

/// Compiles the default policies for any machine of this architecture, and writes their code to the paths that
/// [`refkit::default_code_beside`] and [`refkit::publish_code_beside`] read.
fn precompile() -> anyhow::Result<Output> {
    let machine = Machine::of(&platform::of_this_machine()).filter(|_| cfg!(target_os = "linux"));
    let triple = machine.context("code is compiled ahead of time for Linux only")?.triple;
    let program = std::env::current_exe().and_then(|path| path.canonicalize()).context("cannot find this program")?;
    let mut messages = Vec::new();
    for (component, name) in [(DEFAULT_COMPONENT, DEFAULT_CODE), (PUBLISH_COMPONENT, PUBLISH_CODE)] {
        let code = Engine::precompile_for(triple, component)?;
        let path = program.with_file_name(name);
        let written = write(&path, &Shipped::encode(component, &code));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        messages.push(format!("wrote {}", path.display()));
    }
    Ok(Output { stdout: Stdout::Lines(Vec::new()), messages, exit: Exit::Resolved })
}

/// Writes a file whole or not at all, with write permission for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}
