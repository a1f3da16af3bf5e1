//! The policies of the tables.

use std::collections::HashMap;

use refkit::settings::Assignment;
use refkit::{Budget, Chain, Component, Components, Engine, EngineOptions, Grants};
use refkit_frontend::BuildChain;
use tokio::sync::OnceCell;

/// The policies that decide about the images of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The default policy alone.
    OnlyDefault,
    /// A policy that allows the repository `docker.io/library/app`, and layouts.
    AllowApp,
    /// A policy that allows repositories of another registry only.
    AllowOther,
    /// A policy that takes images of Docker Hub from `mirror.test`.
    Redirect,
    /// A policy that takes images of Docker Hub from `far.test`, which the run may not read.
    RedirectFar,
    /// A policy that requires a label, which the image has.
    HasLabel,
    /// A policy that requires a label, which the image does not have.
    NoLabel,
}

use Policy::*;

impl Policy {
    /// Returns the component of the policy, and its settings.
    fn component(self) -> Option<(&'static str, Vec<Assignment>)> {
        let one = |name: &str, value: &str| vec![Assignment::new(name, value)];
        let redirect = |to: &str| vec![Assignment::new("from", "docker.io"), Assignment::new("to", to)];
        match self {
            OnlyDefault => None,
            AllowApp => Some(("allow-list", one("allow", "docker.io/library/app,oci-layout/*"))),
            AllowOther => Some(("allow-list", one("allow", "ghcr.io/*"))),
            Redirect => Some(("redirect", redirect("mirror.test"))),
            RedirectFar => Some(("redirect", redirect("far.test"))),
            HasLabel => Some(("require-label", one("label", "seen"))),
            NoLabel => Some(("require-label", one("label", "missing"))),
        }
    }
}

/// The chains of the tables: one policy, and the default one behind it.
pub struct Policies(HashMap<Policy, Chain>);

impl Policies {
    /// Returns the chains, which the first test compiles for all.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Policies> = OnceCell::const_new();
        SHARED.get_or_init(|| Box::pin(Self::load())).await
    }

    async fn load() -> Self {
        let engine = Engine::new(EngineOptions::default()).unwrap();
        let mut chains = HashMap::new();
        for policy in [OnlyDefault, AllowApp, AllowOther, Redirect, RedirectFar, HasLabel, NoLabel] {
            let components = policy.component().into_iter().map(|(name, settings)| {
                let bytes = std::fs::read(refkit_support::policy(name).unwrap()).unwrap();
                Component::new(name, bytes).with_settings(settings)
            });
            let program = std::env::current_exe().unwrap();
            let components = components.collect::<Components>().default_code(refkit::default_code_beside(&program));
            chains.insert(policy, Chain::load(&engine, components, &[]).await.unwrap());
        }
        Self(chains)
    }

    /// Returns the chain of a build.
    pub fn chain(&self, policy: Policy) -> BuildChain {
        let grants = Grants::new(["mirror.test/**".parse().unwrap()]);
        BuildChain { chain: self.0[&policy].clone(), grants, budget: Budget::default() }
    }
}
