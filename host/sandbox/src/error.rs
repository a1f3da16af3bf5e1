//! What can go wrong: one enum a stage.

use std::time::Duration;

use refkit_contract::Failure;

/// No engine could be made.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start: {0}")]
pub struct EngineError(pub(crate) String);

/// A component was not taken as a policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// More bytes than may be compiled.
    #[error("the component has {size} bytes, more than the {limit} that may be compiled")]
    TooLarge {
        /// The component's bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// It has more parts than may be compiled.
    #[error("the component has {count} {what}, more than the {limit} that may be compiled")]
    TooMany {
        /// What the parts are.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// Its code has a larger description than is loaded.
    #[error("the types, functions and instances of its code have {size} bytes, more than the {limit} that are loaded")]
    TooComplex {
        /// Bytes of the description.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Compiling took too much memory.
    #[error("compiling it takes more than {} MiB of memory", .limit >> 20)]
    CompileMemory {
        /// The limit in bytes.
        limit: u64,
    },
    /// Compiling took too much processor time.
    #[error("compiling it takes more than {limit} s of processor time")]
    CompileCpu {
        /// The limit in seconds.
        limit: u64,
    },
    /// Compiling took too long by the clock.
    #[error("compiling it takes more than {} s", .limit.as_secs_f32())]
    CompileWall {
        /// The limit.
        limit: Duration,
    },
    /// Its code does not fit this engine.
    #[error("its compiled code cannot be loaded: {0}")]
    Code(String),
    /// There is no compiler for a machine.
    #[error("nothing here compiles for {target}: {reason}")]
    Target {
        /// The machine.
        target: String,
        /// What wasmtime says.
        reason: String,
    },
    /// The compiler did not start, or did not end as it should.
    #[error("the compiler failed: {0}")]
    Compiler(String),
    /// Not a component at all.
    #[error("not a WebAssembly component: {0}")]
    Malformed(String),
    /// A core module where a component is wanted.
    #[error("this is a core WebAssembly module, not a component; encode it with `wasm-tools component new`")]
    CoreModule,
    /// It wants WASI, of which policies have none.
    #[error("the component imports {import}, but policies have no WASI; {remedy}")]
    Wasi {
        /// The first such import.
        import: String,
        /// The line that repairs its build.
        remedy: &'static str,
    },
    /// It wants something that the contract does not have.
    #[error("the component imports {import}, which is not in the world {world} of refkit:policy@0.1")]
    UnknownImport {
        /// The first such import.
        import: String,
        /// The world that it was loaded as.
        world: &'static str,
    },
    /// It is of another world.
    #[error("the component does not export {export}, so it is not of the world {world} of refkit:policy@0.1")]
    MissingExport {
        /// The first export that is missing.
        export: String,
        /// The world that it was loaded as.
        world: &'static str,
    },
    /// Its imports or exports have other types than the contract's.
    #[error("the component does not fit refkit:policy@0.1: {0}")]
    Mismatch(String),
    /// It failed while it said who it is.
    #[error("the policy cannot describe itself: {0}")]
    Describe(#[source] RunError),
}

/// A run did not end in a decision.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The policy returned an error.
    #[error("{0}")]
    Failed(Failure),
    /// It computed for too long.
    #[error("the policy used more than {} ms of processor time", .limit.as_millis())]
    Cpu {
        /// The limit.
        limit: Duration,
    },
    /// It, with all that it waited for, took too long.
    #[error("the run took more than {} s", .limit.as_secs_f32())]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// It wanted more memory.
    #[error("the policy wanted {wanted} bytes of memory, more than its {limit}")]
    Memory {
        /// Bytes that it would have had.
        wanted: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// It called too deep.
    #[error("the policy called itself too deep: its stack of {limit} bytes is used up")]
    Stack {
        /// The limit in bytes.
        limit: u64,
    },
    /// It handed over too much at once: the arguments of a call, or its outcome.
    #[error("the policy handed over more than {limit} bytes in one call or outcome")]
    Transfer {
        /// The limit in bytes.
        limit: u64,
    },
    /// It called too often.
    #[error("the policy made more than {limit} calls")]
    HostCalls {
        /// The limit.
        limit: u64,
    },
    /// What it returned is malformed.
    #[error("the policy returned {0}")]
    Malformed(String),
    /// It gave up: a panic, an unreachable instruction, an access out of bounds.
    #[error("the policy crashed: {0}")]
    Trap(String),
    /// As many runs as the engine was made for are under way.
    #[error("all {limit} places for runs are taken")]
    Busy {
        /// The limit.
        limit: u64,
    },
}

impl LoadError {
    /// Returns the error for a compiler that the system did not start.
    pub(crate) fn no_compiler(error: &std::io::Error) -> Self {
        Self::Compiler(format!("it cannot be run: {error}"))
    }

    /// Returns the error for a machine that nothing compiles for; this one, if none is named.
    pub(crate) fn no_target(target: Option<&str>, reason: String) -> Self {
        Self::Target { target: target.unwrap_or("this machine").to_owned(), reason }
    }

    /// Returns the error for what the compiler did not take.
    pub(crate) fn malformed(error: &wasmtime::Error) -> Self {
        Self::Malformed(first_line(error))
    }
}

/// Returns what wasmtime says, without its context.
pub(crate) fn first_line(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}
