//! The world `publishing-policy`: a policy that composes and pushes.

use std::sync::Arc;

use refkit_contract::Description;
use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use super::{Calls, Rules, World};
use crate::bindings::publishing;
use crate::instance::State;
use crate::silent::Silent;
use crate::view::Views;
use crate::{Host, PublishingHost, convert};

/// The world `publishing-policy`: a policy that composes and pushes.
#[derive(Debug)]
pub enum Publishing {}

/// The host calls of the world.
pub struct Writing(pub(crate) Arc<dyn PublishingHost>);

impl Calls for Writing {
    fn host(&self) -> &dyn Host {
        &*self.0
    }
}

impl From<Arc<dyn PublishingHost>> for Writing {
    fn from(host: Arc<dyn PublishingHost>) -> Self {
        Self(host)
    }
}

static RULES: Rules = Rules {
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
};

impl World for Publishing {
    type Calls = Writing;
    type Bindings = publishing::PublishingPolicy;
    type Pre = publishing::PublishingPolicyPre<State<Writing>>;

    fn rules() -> &'static Rules {
        &RULES
    }

    fn link(linker: &mut Linker<State<Writing>>) -> wasmtime::Result<()> {
        publishing::PublishingPolicy::add_to_linker::<_, Views<Writing>>(linker, State::view)
    }

    fn prepare(pre: InstancePre<State<Writing>>) -> wasmtime::Result<Self::Pre> {
        publishing::PublishingPolicyPre::new(pre)
    }

    async fn instantiate(pre: &Self::Pre, store: &mut Store<State<Writing>>) -> wasmtime::Result<Self::Bindings> {
        pre.instantiate_async(store).await
    }

    async fn describe(bindings: &Self::Bindings, store: &mut Store<State<Writing>>) -> wasmtime::Result<Description> {
        let d = bindings.refkit_policy_about().call_describe(store).await?;
        let settings = d.settings.into_iter().map(|s| convert::setting(s.name, s.summary, s.required, s.default));
        Ok(Description { name: d.name, version: d.version, summary: d.summary, settings: settings.collect() })
    }

    fn silent() -> Writing {
        Writing(Arc::new(Silent))
    }
}
