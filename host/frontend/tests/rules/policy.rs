//! The policies of the tables.

use std::collections::BTreeMap;

use refkit::{Budget, Engine, EngineOptions, Grants, Link};
use refkit_frontend::Chain;
use tokio::sync::OnceCell;

/// What decides about the images of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The default policy alone.
    OnlyDefault,
    /// A policy that allows the repository `docker.io/library/app`.
    AllowApp,
    /// A policy that allows another repository only.
    AllowOther,
    /// A policy that takes images of Docker Hub from `mirror.test`.
    Redirect,
    /// A policy that reads the config, and finds the label that it requires.
    HasLabel,
    /// A policy that reads the config, and misses the label that it requires.
    NoLabel,
    /// A policy that takes images of Docker Hub from `far.test`, which the run may not read.
    RedirectFar,
}

/// An engine with the policies of the tables, which are compiled once.
pub struct Policies {
    engine: Engine,
    loaded: BTreeMap<&'static str, refkit::Policy>,
}

impl Policies {
    /// Returns the policies, which the first test compiles for all.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Policies> = OnceCell::const_new();
        SHARED.get_or_init(Self::load).await
    }

    async fn load() -> Self {
        let engine = Engine::new(EngineOptions::default()).unwrap();
        let mut loaded = BTreeMap::new();
        for name in ["allow-list", "redirect", "require-label"] {
            let component = std::fs::read(refkit_support::policy(name).unwrap()).unwrap();
            loaded.insert(name, refkit::Policy::load(&engine, component).await.unwrap());
        }
        loaded.insert("default", refkit::shipped_default_policy(&engine).await.unwrap());
        Self { engine, loaded }
    }

    /// Returns the chain of a build: one policy, and the default one.
    pub fn chain(&self, policy: Policy) -> Chain {
        let chosen = match policy {
            Policy::OnlyDefault => None,
            Policy::AllowApp => Some(("allow-list", vec![("allow", "docker.io/library/app,oci-layout/*")])),
            Policy::AllowOther => Some(("allow-list", vec![("allow", "ghcr.io/*")])),
            Policy::Redirect => Some(("redirect", vec![("from", "docker.io"), ("to", "mirror.test")])),
            Policy::HasLabel => Some(("require-label", vec![("label", "seen")])),
            Policy::NoLabel => Some(("require-label", vec![("label", "missing")])),
            Policy::RedirectFar => Some(("redirect", vec![("from", "docker.io"), ("to", "far.test")])),
        };
        let link = |name: &str, settings: &[(&str, &str)]| {
            let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Link::new(self.loaded[name].clone(), settings).unwrap()
        };
        let links = chosen.iter().map(|(name, settings)| link(name, settings)).chain([link("default", &[])]).collect();
        let grants = Grants::new(["mirror.test/**".parse().unwrap()]);
        Chain { engine: self.engine.clone(), policies: Vec::new(), links, grants, budget: Budget::default() }
    }
}
