//! Compiles policies from files, in a separate process with limits. A waiting user at a terminal gets a line.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use refkit::{Compiler, CompilerProcess, Engine, ErrorCode, LoadError, Policy};
use refkit_report::Escaped;

use crate::arguments::Compiling;
use crate::error::CommandError;

/// How long the user waits before a line names the reason.
const SILENCE: Duration = Duration::from_secs(1);

/// Returns the options of the compiler: a process of this program, with the limits of the user.
pub fn options(limits: &Compiling) -> Compiler {
    let process = CompilerProcess::this_program();
    let cpu = limits.compile_time.unwrap_or(process.cpu);
    // The wall-clock limit is ten times that of the processor, and never below the default.
    let wall = process.wall.max(cpu.saturating_mul(10));
    let memory = limits.compile_memory.unwrap_or(process.memory);
    Compiler::Process(CompilerProcess { memory, cpu, wall, ..process })
}

/// Returns the policy in a file's bytes.
///
/// # Errors
/// The error of a file that is no policy, or of a limit of its compiler.
pub async fn load(engine: &Engine, path: &Path, component: Bytes) -> anyhow::Result<Policy> {
    let what = format!("{}; the cache keeps it for the next time", named(path, component.len()));
    Ok(waiting(&what, Policy::load(engine, component)).await.map_err(|error| refused(path, &error))?)
}

/// Returns the name of a file with its size.
pub fn named(path: &Path, bytes: usize) -> String {
    format!("{} ({})", path.display(), refkit_report::units::Bytes(bytes as u64))
}

/// Waits for a compiler. After a while, a line on the terminal names the policy. A log, and a program that reads
/// standard error, do not get the line.
pub async fn waiting<T>(what: &str, compiling: impl Future<Output = T>) -> T {
    tokio::pin!(compiling);
    if let Ok(done) = tokio::time::timeout(SILENCE, &mut compiling).await {
        return done;
    }
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // A closed terminal is no error.
        let _ = writeln!(stderr, "compiling {}", Escaped(what));
    }
    compiling.await
}

/// Returns the error for a file that is no policy or does not compile, with a hint.
pub fn refused(path: &Path, error: &LoadError) -> CommandError {
    let refused =
        CommandError::failed(ErrorCode::Invalid, format_args!("cannot use the policy {}: {error}", path.display()));
    match error {
        LoadError::CompileMemory { .. } => refused.hint("if you trust it, allow more with --compile-memory SIZE"),
        LoadError::CompileCpu { .. } | LoadError::CompileWall { .. } => {
            refused.hint("if you trust it, allow more with --compile-time TIME")
        }
        _ => refused,
    }
}
