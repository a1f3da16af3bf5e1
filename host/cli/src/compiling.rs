//! Compiling the policies in files: in a process of its own, within limits, with a word to a person who waits.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use refkit::{Compiler, CompilerProcess, Engine, ErrorCode, LoadError, Policy};
use refkit_report::Escaped;

use crate::arguments::Compiling;
use crate::failure::Failure;

/// How long a person waits before a line says for what.
const SILENCE: Duration = Duration::from_secs(1);

/// Returns how policies are compiled: this program starts itself for it.
pub fn compiler(limits: &Compiling) -> Compiler {
    let process = CompilerProcess::this_program();
    let cpu = limits.compile_time.unwrap_or(process.cpu);
    // Of a longer time by the processor, ten times as much by the clock.
    let wall = process.wall.max(cpu.saturating_mul(10));
    let memory = limits.compile_memory.unwrap_or(process.memory);
    Compiler::Process(CompilerProcess { memory, cpu, wall, ..process })
}

/// Returns the policy in a file's bytes.
///
/// # Errors
/// What is wrong with the file, or the limit that compiling it met.
pub async fn load(engine: &Engine, path: &Path, component: Bytes) -> Result<Policy, Failure> {
    let what = format!("{}; the cache keeps it for the next time", named(path, component.len()));
    waiting(&what, Policy::load(engine, component)).await.map_err(|error| refused(path, &error))
}

/// Returns a file with its size in bytes, for a person.
pub fn named(path: &Path, bytes: usize) -> String {
    format!("{} ({})", path.display(), refkit_report::units::Bytes(bytes as u64))
}

/// Waits for a compiler. If that takes long, a terminal shows what for. A log and a program that reads standard error do
/// not get that line.
pub async fn waiting<T>(what: &str, compiling: impl Future<Output = T>) -> T {
    tokio::pin!(compiling);
    if let Ok(done) = tokio::time::timeout(SILENCE, &mut compiling).await {
        return done;
    }
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // A terminal that is gone shows nothing.
        let _ = writeln!(stderr, "compiling {}", Escaped(what));
    }
    compiling.await
}

/// Returns the failure of a file that is no policy, or that cannot be compiled.
pub fn refused(path: &Path, error: &LoadError) -> Failure {
    let failure =
        Failure::failed(ErrorCode::Invalid, format_args!("cannot use the policy {}: {error}", path.display()));
    match error {
        LoadError::CompileMemory { .. } => failure.hint("if you trust it, allow more with --compile-memory SIZE"),
        LoadError::CompileCpu { .. } | LoadError::CompileWall { .. } => {
            failure.hint("if you trust it, allow more with --compile-time TIME")
        }
        _ => failure,
    }
}
