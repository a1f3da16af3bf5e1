//! The engine: wasmtime, configured once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::aot::Key;
use crate::compiler::Compiler;
use crate::error::first_line;
use crate::ticker::Ticker;
use crate::{AotCache, EngineError, LoadError};

/// Bytes of native stack that a guest may use.
pub(crate) const GUEST_STACK: usize = 512 << 10;

/// Bytes of the stack that a run is switched to: what the guest may use, and as much again for the host calls on top.
const RUN_STACK: usize = 2 * GUEST_STACK;

/// Core instances a component may have: those of componentize-py have 38.
const CORE_INSTANCES: u32 = 64;

/// Memories and tables a component may have.
const MEMORIES: u32 = 4;

/// Bytes of memory that stay with a slot of the pool after a run, so that the next one faults on no page of them.
const KEEP_RESIDENT: usize = 256 << 10;

/// How an [`Engine`] is made.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// How many runs of policies there can be at once.
    pub runs: u32,
    /// Whether a pool holds instances for all of these runs. A pool makes the many runs of a long process cheap; a
    /// process that runs each policy once starts and ends faster without one.
    pub pool: bool,
    /// The largest memory that any [`crate::Limits`] will allow, bytes.
    pub max_memory: u64,
    /// The largest component from outside that is compiled, bytes.
    pub max_component: u64,
    /// How such a component is compiled, and within which limits.
    pub compiler: Compiler,
    /// How many components are compiled at once, each within those limits; the others wait.
    pub compilers: u32,
    /// Where compiled components are kept between processes.
    pub cache: Option<AotCache>,
    /// Whether the limit of processor time counts what a policy executes, in place of the time that it takes: the same
    /// policy then meets it at the same point in every run and on every machine, as recordings want it. Such code is
    /// slower, and is compiled and cached apart from the other.
    pub fuel: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            runs: 64,
            pool: true,
            max_memory: 256 << 20,
            // componentize-py makes 18 MB of a policy of ten lines.
            max_component: 32 << 20,
            compiler: Compiler::default(),
            compilers: 2,
            cache: None,
            fuel: false,
        }
    }
}

/// wasmtime, configured. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) options: Arc<EngineOptions>,
    pub(crate) ticker: Arc<Ticker>,
    places: Arc<Semaphore>,
    compilers: Arc<Semaphore>,
    pooled: bool,
}

impl Engine {
    /// Returns an engine.
    ///
    /// # Errors
    /// When wasmtime does not support this machine.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        // The pool reserves address space in advance. Where there is too little of it (a container with a limit on
        // virtual memory), instances are allocated one by one: slower, with the same bounds.
        let pooled = options.pool.then(|| runner(Some(&options), &options));
        let (wasmtime, pooled) = match pooled {
            Some(Ok(engine)) => (engine, true),
            None | Some(Err(_)) => {
                let plain = runner(None, &options);
                (plain.map_err(|error| EngineError(format!("{error:#}")))?, false)
            }
        };
        let ticker = Ticker::new(&wasmtime);
        let places = Arc::new(Semaphore::new(options.runs as usize));
        let compilers = Arc::new(Semaphore::new(options.compilers.max(1) as usize));
        Ok(Self { wasmtime, options: Arc::new(options), ticker, places, compilers, pooled })
    }

    /// Returns whether instances come from a pool.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Waits for the places that a chain of so many policies takes, all at once: a policy keeps its place while the
    /// rest of the chain runs, so taking them one by one could wait forever.
    ///
    /// # Errors
    /// [`crate::RunError::Busy`] where the engine has fewer places than that in all.
    pub async fn reserve(&self, policies: usize) -> Result<Permit, crate::RunError> {
        let busy = crate::RunError::Busy { limit: u64::from(self.options.runs) };
        if policies > self.options.runs as usize {
            return Err(busy);
        }
        let permit = self.places.clone().acquire_many_owned(policies as u32).await;
        permit.map(|permit| Permit { _permit: permit }).map_err(|_| busy)
    }

    /// Returns the key of the code that a component with this digest (SHA-256) has on this machine. An engine without a
    /// compiler does not know what a compiler would make for this machine, so one with a compiler computes the key.
    ///
    /// # Errors
    /// When nothing compiles for this machine.
    pub(crate) fn key(&self, component: [u8; 32]) -> Result<Key, LoadError> {
        match self.options.compiler {
            Compiler::InProcess { .. } => Ok(Key::new(&self.wasmtime, component)),
            Compiler::Process(_) => {
                let compiler = compiler(None, self.options.fuel)
                    .map_err(|error| LoadError::no_target(None, first_line(&error)))?;
                Ok(Key::new(&compiler, component))
            }
        }
    }

    /// Waits until a component may be compiled.
    pub(crate) async fn compiling(&self) -> Option<OwnedSemaphorePermit> {
        self.compilers.clone().acquire_owned().await.ok()
    }

    /// Compiles a component that can be trusted, in this process, for a machine of the named target with no more than
    /// that target's basic features. [`Engine::precompile`] is for components from outside.
    ///
    /// # Errors
    /// When the target is unknown or the component malformed.
    pub fn precompile_for(target: &str, component: &[u8]) -> Result<Vec<u8>, EngineError> {
        let code = compiler(Some(target), false).and_then(|engine| engine.precompile_component(component));
        code.map_err(|error| EngineError(format!("{error:#}")))
    }
}

/// Returns an engine that runs policies. It has a compiler only if it compiles in this process.
fn runner(pool: Option<&EngineOptions>, options: &EngineOptions) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = config(None, pool, options.fuel)?;
    config.enable_compiler(matches!(options.compiler, Compiler::InProcess { .. }));
    wasmtime::Engine::new(&config)
}

/// Returns an engine that only compiles: for the named target, or for this machine with all its features.
/// The code counts what it executes if `fuel` says so.
pub(crate) fn compiler(target: Option<&str>, fuel: bool) -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&config(target, None, fuel)?)
}

/// Places for the runs of one chain.
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

/// What decides compiled code stands here once, for both allocators and for every target, so that code compiled ahead
/// of time loads in all of them.
fn config(target: Option<&str>, pool: Option<&EngineOptions>, fuel: bool) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config
        .wasm_threads(false)
        .wasm_shared_everything_threads(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .concurrency_support(false)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(true)
        .consume_fuel(fuel)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(RUN_STACK)
        .generate_address_map(false)
        // No debugger unwinds through guests, and a process would register the tables at its start and look for each of
        // them at its end.
        .native_unwind_info(false)
        .wasm_backtrace_max_frames(None);
    if let Some(target) = target {
        config.target(target)?;
    }
    if let Some(options) = pool {
        let runs = options.runs;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(runs)
            .total_core_instances(runs.saturating_mul(CORE_INSTANCES))
            .total_memories(runs.saturating_mul(MEMORIES))
            .total_tables(runs.saturating_mul(MEMORIES))
            .total_stacks(runs)
            .total_gc_heaps(runs)
            .max_core_instances_per_component(CORE_INSTANCES)
            .max_memories_per_component(MEMORIES)
            .max_tables_per_component(MEMORIES)
            .max_memory_size(options.max_memory as usize)
            .table_elements(100_000)
            .linear_memory_keep_resident(KEEP_RESIDENT)
            .table_keep_resident(16 << 10)
            .async_stack_keep_resident(32 << 10);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    Ok(config)
}
