//! `refkit precompile`: writes the default policy, compiled ahead of time, beside this program. `make` runs it.

use std::io;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use refkit::{DEFAULT_CODE, DEFAULT_COMPONENT, Engine, Shipped, platform};
use refkit_images::frontend::elf::Machine;

use super::{Run, Running};
use crate::exit::Exit;
use crate::output::{Output, Stdout};

/// `refkit precompile` has no arguments.
#[derive(Debug, Args)]
pub struct Precompile {}

impl Run for Precompile {
    fn subject(&self) -> &str {
        "the default policy"
    }

    fn run(&self) -> Running<'_> {
        Box::pin(async { precompile() })
    }
}

/// Compiles the default policy for any machine of this architecture, and writes its code to the path that
/// [`refkit::default_code_beside`] reads.
fn precompile() -> anyhow::Result<Output> {
    let machine = Machine::of(&platform::of_this_machine()).filter(|_| cfg!(target_os = "linux"));
    let triple = machine.context("code is compiled ahead of time for Linux only")?.triple;
    let code = Engine::precompile_for(triple, DEFAULT_COMPONENT)?;
    let program = std::env::current_exe().and_then(|path| path.canonicalize()).context("cannot find this program")?;
    let path = program.with_file_name(DEFAULT_CODE);
    let written = write(&path, &Shipped::encode(DEFAULT_COMPONENT, &code));
    written.with_context(|| format!("cannot write {}", path.display()))?;
    let messages = vec![format!("wrote {}", path.display())];
    Ok(Output { stdout: Stdout::Lines(Vec::new()), messages, exit: Exit::Resolved })
}

/// Writes a file whole or not at all, with write permission for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}
