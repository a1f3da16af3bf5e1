//! What can go wrong: one enum a stage.

use std::time::Duration;

use crate::resolution::Failure;

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
    /// Compiling took too long.
    #[error("the component could not be compiled within {} s", .0.as_secs())]
    TooSlow(Duration),
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
    #[error("the component imports {0}, which is not in refkit:policy@0.1")]
    UnknownImport(String),
    /// It is of another world.
    #[error("the component does not export {0}, so it is not a refkit:policy@0.1 policy")]
    MissingExport(String),
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
