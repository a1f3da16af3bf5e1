//! How components from outside are compiled: in this process, or in a process of its own.
//!
//! A component of a few megabytes can make the compiler take gigabytes of memory and minutes of time, and a thread
//! cannot be stopped. A process can: the kernel ends it at its limits. A program that compiles in a process of its own
//! starts itself for it, so its `main` begins with [`serve`]:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use refkit_sandbox::compiler::{self, Compiler, CompilerProcess};
//! use refkit_sandbox::{Engine, EngineOptions};
//!
//! fn main() -> ExitCode {
//!     if let Some(code) = compiler::serve(std::env::args_os()) {
//!         return code;
//!     }
//!     let compiler = Compiler::Process(CompilerProcess::this_program());
//!     match Engine::new(EngineOptions { compiler, ..EngineOptions::default() }) {
//!         Ok(_engine) => ExitCode::SUCCESS,
//!         Err(_) => ExitCode::FAILURE,
//!     }
//! }
//! ```

mod child;
mod ended;
mod order;
mod process;

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use rustix::fs::{MemfdFlags, memfd_create};
use wasmtime::component::Component;

use crate::aot::{self, Key};
use crate::error::first_line;
use crate::{Engine, LoadError, engine};

pub use child::serve;

/// The most memory of a process that compiles, bytes. A policy of ten lines in Python, 18 MB, needs under 500 MiB.
pub const MEMORY: u64 = 1 << 30;

/// The most processor time of a process that compiles. That policy in Python needs 15 s.
pub const CPU: Duration = Duration::from_secs(60);

/// The most time of such a process by the clock: ten times its processor time, for a machine that is busy.
pub const WALL: Duration = Duration::from_secs(600);

/// Keeps the allocator of a static program, mimalloc, from reserving 1 GiB of address space when it starts: 32 MiB, in
/// KiB. Other allocators do not read it.
const ALLOCATOR: [(&str, &str); 1] = [("MIMALLOC_ARENA_RESERVE", "32768")];

/// How an engine compiles components from outside.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// On a thread of this process: for components that can be trusted not to attack the compiler.
    ///
    /// Nothing limits the memory that compiling takes here. When the time is up, loading ends with an error, but the
    /// thread goes on until the compiler is done.
    InProcess {
        /// The most time by the clock.
        time: Duration,
    },
    /// In a process of its own, which ends at its limits at the latest, and with this process.
    Process(CompilerProcess),
}

/// A program that compiles one component and ends.
#[derive(Debug, Clone)]
pub struct CompilerProcess {
    /// The program, which calls [`serve`] first thing. It is believed: what it returns is run.
    pub program: PathBuf,
    /// What it is started with, before the words that [`serve`] reads: for a program that starts another one.
    pub arguments: Vec<OsString>,
    /// Its whole environment: it inherits nothing.
    pub environment: Vec<(OsString, OsString)>,
    /// The most memory, bytes of its address space. What its allocator reserves in advance counts as well.
    pub memory: u64,
    /// The most processor time, in whole seconds, rounded up.
    pub cpu: Duration,
    /// The most time by the clock, waiting for a processor included.
    pub wall: Duration,
}

impl CompilerProcess {
    /// Returns this program with the default limits.
    pub fn this_program() -> Self {
        let environment = ALLOCATOR.map(|(name, value)| (name.into(), value.into())).into();
        let program = "/proc/self/exe".into();
        Self { program, arguments: Vec::new(), environment, memory: MEMORY, cpu: CPU, wall: WALL }
    }

    /// Returns the processor time in the seconds that the kernel counts.
    fn seconds(&self) -> u64 {
        self.cpu.as_secs().saturating_add(u64::from(self.cpu.subsec_nanos() > 0)).max(1)
    }
}

impl Default for Compiler {
    fn default() -> Self {
        Self::InProcess { time: CPU }
    }
}

/// A component that was compiled now.
pub(crate) struct Compiled {
    pub component: Component,
    /// Its code as an entry of the cache, if there is a cache that may take it.
    pub entry: Option<File>,
}

impl Engine {
    /// Compiles a component as the options say.
    pub(crate) async fn compile(&self, bytes: Bytes, key: Key) -> Result<Compiled, LoadError> {
        let _turn = self.compiling().await;
        match &self.options.compiler {
            Compiler::InProcess { time } => {
                let engine = self.clone();
                within(*time, move || engine.compile_here(&bytes, &key)).await
            }
            Compiler::Process(process) => {
                let file = process::run(process, None, self.options.fuel, bytes).await?;
                let engine = self.wasmtime.clone();
                let load = move || {
                    // SAFETY: the program that the options name wrote the file, which is in memory and has no name; the
                    // embedder says that the program is to be believed.
                    #[allow(unsafe_code)]
                    let component = unsafe { aot::load(&engine, &file, &key) };
                    component.map(|component| Compiled { component, entry: Some(file) })
                };
                let loaded = tokio::task::spawn_blocking(load).await;
                // What the pool of instances has no room for is met here.
                loaded.unwrap_or_else(|_| Err("loading it panicked".to_owned())).map_err(LoadError::Code)
            }
        }
    }

    fn compile_here(&self, bytes: &[u8], key: &Key) -> Result<Compiled, LoadError> {
        let component = Component::from_binary(&self.wasmtime, bytes).map_err(|error| LoadError::malformed(&error))?;
        let entry = self.options.cache.as_ref().and_then(|_| {
            let entry = in_memory().ok()?;
            aot::write(&entry, key, &component.serialize().ok()?).ok()?;
            Some(entry)
        });
        Ok(Compiled { component, entry })
    }

    /// Compiles a component for a machine of the named target with no more than that target's basic features, as the
    /// options say: in this process or in one of its own.
    ///
    /// # Errors
    /// [`LoadError::Target`] where nothing compiles for the target; when the component is malformed, or compiling it
    /// meets a limit.
    pub async fn precompile(&self, target: &str, component: Bytes) -> Result<Vec<u8>, LoadError> {
        let _turn = self.compiling().await;
        match &self.options.compiler {
            Compiler::InProcess { time } => {
                let target = target.to_owned();
                let compile = move || {
                    let engine = engine::compiler(Some(&target), false)
                        .map_err(|error| LoadError::no_target(Some(&target), first_line(&error)))?;
                    engine.precompile_component(&component).map_err(|error| LoadError::malformed(&error))
                };
                within(*time, compile).await
            }
            Compiler::Process(process) => {
                let file = process::run(process, Some(target), false, component.clone()).await?;
                let read = move || aot::code(&file, &component);
                let code = tokio::task::spawn_blocking(read).await.ok().flatten();
                code.ok_or_else(|| LoadError::Code("it is not whole".to_owned()))
            }
        }
    }
}

/// Runs what blocks for a limited time; then it goes on, but not for the caller.
async fn within<T: Send + 'static>(
    time: Duration,
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::time::timeout(time, tokio::task::spawn_blocking(work)).await {
        Err(_) => Err(LoadError::CompileWall { limit: time }),
        Ok(Err(_)) => Err(LoadError::Compiler("it panicked".to_owned())),
        Ok(Ok(result)) => result,
    }
}

/// Returns a file in memory, which has no name, so that no other process opens it.
fn in_memory() -> std::io::Result<File> {
    let make = |more| memfd_create("refkit-code", MemfdFlags::CLOEXEC | more);
    // A system may demand that such files are no programs; one before Linux 6.3 does not know the word.
    let file = make(MemfdFlags::NOEXEC_SEAL).or_else(|_| make(MemfdFlags::empty()))?;
    Ok(File::from(file))
}
