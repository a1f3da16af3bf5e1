//! The worlds of the contract: what a component of each may import, and how the host runs it.

mod component;
mod parts;
mod publishing;
mod resolving;

use refkit_contract::Description;
use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use crate::Host;
use crate::instance::State;

pub(crate) use component::{Rules, asked, check};
pub use publishing::{Publishing, Writing};
pub use resolving::Resolving;

/// The host calls of a world.
pub trait Calls: Send + Sync + 'static {
    /// Returns the calls that both worlds have.
    fn host(&self) -> &dyn Host;
}

/// A world of the contract. There are two, and no other crate can add one.
pub trait World: Sized + Send + Sync + 'static {
    /// The host calls of the world.
    type Calls: Calls;
    /// A component of the world in a store.
    type Bindings: Send + Sync;
    /// A component of the world, linked and type-checked.
    type Pre: Send + Sync;

    /// What a component of the world may import and has to export.
    #[doc(hidden)]
    fn rules() -> &'static Rules;

    /// Adds the host calls of the world.
    #[doc(hidden)]
    fn link(linker: &mut Linker<State<Self::Calls>>) -> wasmtime::Result<()>;

    /// Checks the types of the imports and exports.
    #[doc(hidden)]
    fn prepare(pre: InstancePre<State<Self::Calls>>) -> wasmtime::Result<Self::Pre>;

    /// Instantiates: the component's start functions run here.
    #[doc(hidden)]
    fn instantiate(
        pre: &Self::Pre,
        store: &mut Store<State<Self::Calls>>,
    ) -> impl Future<Output = wasmtime::Result<Self::Bindings>> + Send;

    /// Asks the policy for its name, version and settings.
    #[doc(hidden)]
    fn describe(
        bindings: &Self::Bindings,
        store: &mut Store<State<Self::Calls>>,
    ) -> impl Future<Output = wasmtime::Result<Description>> + Send;

    /// Returns the host of a policy that describes itself: it answers every call with a failure.
    #[doc(hidden)]
    fn silent() -> Self::Calls;
}
