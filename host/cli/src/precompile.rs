//! `refkit precompile`: leaves the default policy, compiled ahead of time, beside this program. `make` runs it.

use std::io;
use std::path::Path;

use refkit::{DEFAULT_CODE, DEFAULT_COMPONENT, Engine, ErrorCode, Shipped, platform};
use refkit_images::frontend::elf::Machine;

use crate::answer::{Answer, Output};
use crate::failure::{Exit, Failure};
use crate::setup::plain;

/// Compiles the default policy for any machine of this architecture, and writes its code where
/// [`refkit::shipped_default_policy`] looks for it.
///
/// # Errors
/// When there is no compiler for this machine, or the file cannot be written.
pub fn run() -> Result<Answer, Failure> {
    let failed = |what: String| Failure::failed(ErrorCode::Other, what);
    let machine = Machine::of(&platform::of_this_machine()).filter(|_| cfg!(target_os = "linux"));
    let triple = machine.ok_or_else(|| failed("code is compiled ahead of time for Linux only".to_owned()))?.triple;
    let code = Engine::precompile_for(triple, DEFAULT_COMPONENT).map_err(|error| failed(error.to_string()))?;
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let program = program.map_err(|error| failed(format!("cannot find this program: {}", plain(&error))))?;
    let path = program.with_file_name(DEFAULT_CODE);
    write(&path, &Shipped::encode(DEFAULT_COMPONENT, &code))
        .map_err(|error| failed(format!("cannot write {}: {}", path.display(), plain(&error))))?;
    let messages = vec![format!("wrote {}", path.display())];
    Ok(Answer { output: Output::Lines(Vec::new()), messages, exit: Exit::Resolved })
}

/// Writes a file whole or not at all, with write permission for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}
