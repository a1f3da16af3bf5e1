//! The worlds of the contract: what a component of each may import, and how the host runs it.

mod component;
mod parts;

use std::sync::Arc;

use refkit_contract::Description;
use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use crate::bindings::publishing;
use crate::instance::State;
use crate::silent::Silent;
use crate::view::Views;
use crate::{Host, PublishingHost, bindings, convert};

pub(crate) use component::{Rules, asked, check};

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

/// The host calls of the world `policy`.
pub struct Reading(Arc<dyn Host>);

impl Calls for Reading {
    fn host(&self) -> &dyn Host {
        &*self.0
    }
}

/// The host calls of the world `publishing-policy`.
pub struct Writing(pub(crate) Arc<dyn PublishingHost>);

impl Calls for Writing {
    fn host(&self) -> &dyn Host {
        self.0.reading()
    }
}

/// Implements a world over what wasmtime makes of it: the names of its functions are the same in both worlds, and their
/// types are not.
macro_rules! world {
    ($(#[$doc:meta])* $world:ident: $calls:ident over $host:ty, $bindings:ty, $pre:ty, $rules:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $world {}

        impl From<Arc<$host>> for $calls {
            fn from(host: Arc<$host>) -> Self {
                Self(host)
            }
        }

        impl World for $world {
            type Calls = $calls;
            type Bindings = $bindings;
            type Pre = $pre;

            fn rules() -> &'static Rules {
                static RULES: Rules = $rules;
                &RULES
            }

            fn link(linker: &mut Linker<State<$calls>>) -> wasmtime::Result<()> {
                <$bindings>::add_to_linker::<_, Views<$calls>>(linker, State::view)
            }

            fn prepare(pre: InstancePre<State<$calls>>) -> wasmtime::Result<Self::Pre> {
                <$pre>::new(pre)
            }

            async fn instantiate(pre: &Self::Pre, store: &mut Store<State<$calls>>) -> wasmtime::Result<$bindings> {
                pre.instantiate_async(store).await
            }

            async fn describe(of: &$bindings, store: &mut Store<State<$calls>>) -> wasmtime::Result<Description> {
                let d = of.refkit_policy_about().call_describe(store).await?;
                let settings = d.settings.into_iter();
                let settings = settings.map(|s| convert::setting(s.name, s.summary, s.required, s.default)).collect();
                Ok(Description { name: d.name, version: d.version, summary: d.summary, settings })
            }

            fn silent() -> $calls {
                $calls(Arc::new(Silent))
            }
        }
    };
}

world! {
    /// The world `policy`: a policy that resolves references.
    Resolving: Reading over dyn Host, bindings::Policy, bindings::PolicyPre<State<Reading>>, Rules {
        name: "policy",
        imports: &["types", "resolution", "registry", "chain", "settings", "clock", "trace"],
        exports: ["about", "resolver"],
    }
}

world! {
    /// The world `publishing-policy`: a policy that composes and pushes.
    Publishing: Writing over dyn PublishingHost,
    publishing::PublishingPolicy,
    publishing::PublishingPolicyPre<State<Writing>>,
    Rules {
        name: "publishing-policy",
        imports: &[
            "types",
            "resolution",
            "publication",
            "registry",
            "registry-write",
            "chain",
            "publishing-chain",
            "settings",
            "clock",
            "trace",
        ],
        exports: ["about", "publisher"],
    }
}
