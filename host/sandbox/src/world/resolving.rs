//! The world `policy`: a policy that resolves references.

use std::sync::Arc;

use refkit_contract::Description;
use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use super::{Calls, Rules, World};
use crate::instance::State;
use crate::silent::Silent;
use crate::view::Views;
use crate::{Host, bindings, convert};

/// The world `policy`: a policy that resolves references.
#[derive(Debug)]
pub enum Resolving {}

/// The host calls of the world.
pub struct Reading(pub(crate) Arc<dyn Host>);

impl Calls for Reading {
    fn host(&self) -> &dyn Host {
        &*self.0
    }
}

impl From<Arc<dyn Host>> for Reading {
    fn from(host: Arc<dyn Host>) -> Self {
        Self(host)
    }
}

static RULES: Rules = Rules {
    name: "policy",
    imports: &["types", "resolution", "registry", "chain", "settings", "clock", "trace"],
    exports: ["about", "resolver"],
};

impl World for Resolving {
    type Calls = Reading;
    type Bindings = bindings::Policy;
    type Pre = bindings::PolicyPre<State<Reading>>;

    fn rules() -> &'static Rules {
        &RULES
    }

    fn link(linker: &mut Linker<State<Reading>>) -> wasmtime::Result<()> {
        bindings::Policy::add_to_linker::<_, Views<Reading>>(linker, State::view)
    }

    fn prepare(pre: InstancePre<State<Reading>>) -> wasmtime::Result<Self::Pre> {
        bindings::PolicyPre::new(pre)
    }

    async fn instantiate(pre: &Self::Pre, store: &mut Store<State<Reading>>) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate_async(store).await
    }

    async fn describe(bindings: &Self::Bindings, store: &mut Store<State<Reading>>) -> wasmtime::Result<Description> {
        let d = bindings.refkit_policy_about().call_describe(store).await?;
        let settings = d.settings.into_iter().map(|s| convert::setting(s.name, s.summary, s.required, s.default));
        Ok(Description { name: d.name, version: d.version, summary: d.summary, settings: settings.collect() })
    }

    fn silent() -> Reading {
        Reading(Arc::new(Silent))
    }
}
