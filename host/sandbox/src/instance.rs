//! One run of one policy: a fresh store, its bounds, and the reading of how it ended.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use refkit_contract::{Description, PublishDecision, PublishRequest, Request, Step};
use refkit_oci::Digest;
use wasmtime::{AsContextMut, ResourceLimiter, Store, Trap, UpdateDeadline};

use crate::engine::GUEST_STACK;
use crate::meter::Meter;
use crate::ticker::TickerGuard;
use crate::view::View;
use crate::world::{Calls, Publishing, Resolving, World};
use crate::{Engine, Limits, RunError, Usage, convert};

/// The most handles a component may hold: the contract has no resources, so any is one too many to care about.
const HANDLES: usize = 1_000;

/// What stands for a microsecond of processor time where an engine counts what policies execute: about as many
/// instructions as a processor executes in it.
const FUEL: u64 = 2_000;

/// A limit that ended a run, on its way through wasmtime.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reached {
    Cpu,
    Memory { wanted: u64 },
    Table,
    HostCalls,
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Reached {}

/// What belongs to one run.
pub struct State<C> {
    calls: C,
    limits: Limits,
    usage: Usage,
    started: Instant,
    meter: Arc<Meter>,
    memory: u64,
    table_elements: u64,
}

impl<C: Calls> State<C> {
    pub(crate) fn view(&mut self) -> View<'_, C> {
        View {
            calls: &self.calls,
            host: self.calls.host(),
            usage: &mut self.usage,
            limits: &self.limits,
            meter: &self.meter,
        }
    }
}

impl<C: Calls> ResourceLimiter for State<C> {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // All memories of the component together: `current` is this one's part of the sum.
        let wanted = self.memory.saturating_sub(current as u64).saturating_add(desired as u64);
        if wanted > self.limits.memory {
            return Err(Reached::Memory { wanted }.into());
        }
        self.memory = wanted;
        self.usage.memory = self.usage.memory.max(wanted);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_sub(current as u64).saturating_add(desired as u64);
        if wanted > self.limits.table_elements {
            return Err(Reached::Table.into());
        }
        self.table_elements = wanted;
        Ok(true)
    }
}

/// A policy in a store of its own. After a failed call it is unusable, and says so.
pub struct Instance<W: World = Resolving> {
    store: Store<State<W::Calls>>,
    policy: W::Bindings,
    _tick: TickerGuard,
}

impl<W: World> Instance<W> {
    /// Instantiates within the limits: the component's start functions run here.
    pub(crate) async fn new(
        engine: &Engine,
        pre: &W::Pre,
        tick: TickerGuard,
        calls: W::Calls,
        limits: Limits,
    ) -> Result<Self, (RunError, Usage)> {
        let meter = Meter::new();
        let state = State {
            calls,
            limits,
            usage: Usage::default(),
            started: Instant::now(),
            meter: Arc::clone(&meter),
            memory: 0,
            table_elements: 0,
        };
        let mut store = Store::new(&engine.wasmtime, state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(usize::try_from(limits.transfer).unwrap_or(usize::MAX));
        store.set_max_component_handles(HANDLES);
        let fuel = engine.options.fuel;
        if fuel {
            let microseconds = u64::try_from(limits.cpu.as_micros()).unwrap_or(u64::MAX);
            let set = store.set_fuel(microseconds.saturating_mul(FUEL));
            set.map_err(|error| (run_error(&error, &limits, engine.options.runs), Usage::default()))?;
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |context| {
            let state = context.data();
            if !fuel && state.meter.cpu() > state.limits.cpu {
                return Err(Reached::Cpu.into());
            }
            // Giving way lets the wall-clock limit and the embedder's other work have their turn.
            Ok(UpdateDeadline::Yield(1))
        });
        let instantiated = tokio::time::timeout(limits.wall, meter.measure(W::instantiate(pre, &mut store))).await;
        let result = instantiated.unwrap_or_else(|_| Err(Elapsed.into()));
        match result {
            Ok(policy) => Ok(Self { store, policy, _tick: tick }),
            Err(error) => Err((run_error(&error, &limits, engine.options.runs), usage(&mut store))),
        }
    }

    pub(crate) async fn describe(&mut self) -> Result<Description, RunError> {
        let Self { store, policy, .. } = self;
        within(store, |store| W::describe(policy, store)).await
    }

    /// Returns what was used since the instance was made.
    pub fn usage(&mut self) -> Usage {
        usage(&mut self.store)
    }
}

impl Instance<Resolving> {
    /// Returns what the policy decides of a request.
    ///
    /// # Errors
    /// The policy's own error, or the limit that it ran into.
    pub async fn resolve(&mut self, request: &Request) -> Result<Step<Digest>, RunError> {
        let request = convert::to_request(request);
        let resolver = self.policy.refkit_policy_resolver().clone();
        let call = |store| async move { resolver.call_resolve(store, &request).await };
        let outcome = within(&mut self.store, call).await?;
        let outcome = outcome.map_err(|error| RunError::Failed(convert::failure(error)))?;
        convert::step(outcome).map_err(|failure| RunError::Malformed(failure.message))
    }
}

impl Instance<Publishing> {
    /// Returns what the policy makes of a publication.
    ///
    /// # Errors
    /// The policy's own error, or the limit that it ran into.
    pub async fn publish(&mut self, request: &PublishRequest) -> Result<PublishDecision<Digest>, RunError> {
        let request = convert::publish::to_request(request);
        let publisher = self.policy.refkit_policy_publisher().clone();
        let call = |store| async move { publisher.call_publish(store, &request).await };
        let outcome = within(&mut self.store, call).await?;
        let outcome = outcome.map_err(|error| RunError::Failed(convert::failure(error)))?;
        convert::publish::decision(outcome).map_err(|failure| RunError::Malformed(failure.message))
    }
}

/// Runs a call into the policy within what is left of the run's time.
async fn within<'a, C: Calls, T, F>(
    store: &'a mut Store<State<C>>,
    call: impl FnOnce(&'a mut Store<State<C>>) -> F,
) -> Result<T, RunError>
where
    F: Future<Output = wasmtime::Result<T>> + 'a,
{
    let limits = store.data().limits;
    let left = limits.wall.saturating_sub(store.data().started.elapsed());
    let meter = Arc::clone(&store.data().meter);
    let result = tokio::time::timeout(left, meter.measure(call(store))).await;
    result.unwrap_or_else(|_| Err(Elapsed.into())).map_err(|error| run_error(&error, &limits, 0))
}

fn usage<C: Calls>(store: &mut Store<State<C>>) -> Usage {
    let context = store.as_context_mut();
    let state = context.data();
    Usage { cpu: state.meter.cpu(), wall: state.started.elapsed(), ..state.usage }
}

#[derive(Debug)]
struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("elapsed")
    }
}

impl std::error::Error for Elapsed {}

/// Reads from wasmtime's error which bound was met.
fn run_error(error: &wasmtime::Error, limits: &Limits, runs: u32) -> RunError {
    if error.is::<Elapsed>() {
        return RunError::Timeout { limit: limits.wall };
    }
    match error.downcast_ref::<Reached>() {
        Some(Reached::Cpu) => return RunError::Cpu { limit: limits.cpu },
        Some(Reached::Memory { wanted }) => return RunError::Memory { wanted: *wanted, limit: limits.memory },
        Some(Reached::Table) => return RunError::Trap("its tables grew too large".into()),
        Some(Reached::HostCalls) => return RunError::HostCalls { limit: limits.host_calls },
        None => {}
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return RunError::Busy { limit: u64::from(runs) };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => RunError::Stack { limit: GUEST_STACK as u64 },
        Some(Trap::Interrupt | Trap::OutOfFuel) => RunError::Cpu { limit: limits.cpu },
        Some(trap) => RunError::Trap(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
        None => {
            let text = error.root_cause().to_string();
            // wasmtime's type for this is private; a test holds this line to its text.
            if text.contains("fuel allocated for hostcalls") {
                return RunError::Transfer { limit: limits.transfer };
            }
            RunError::Trap(text)
        }
    }
}
