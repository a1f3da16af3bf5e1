//! What is set up once and asked often.

use std::collections::BTreeMap;
use std::sync::Arc;

use refkit_content::{Source, Vouch};
use refkit_sandbox::{Engine, Policy, Request};

use crate::{Budget, Error, Grants, Outcome, Session};

/// A policy in a chain, with its settings.
#[derive(Clone)]
pub struct Link {
    pub(crate) policy: Policy,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
}

/// A policy cannot run with the settings that it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A required setting is missing.
    #[error("the policy {policy} needs the setting {name} ({summary})")]
    Missing {
        /// The policy.
        policy: String,
        /// The setting.
        name: String,
        /// What the policy says of it.
        summary: String,
    },
}

impl Link {
    /// Returns a policy with the operator's values; what they leave out has the policy's defaults.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn new(policy: Policy, values: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut settings = values;
        for setting in &policy.description().settings {
            if settings.contains_key(&setting.name) {
                continue;
            }
            if let Some(default) = &setting.default {
                settings.insert(setting.name.clone(), default.clone());
            } else if setting.required {
                return Err(SettingsError::Missing {
                    policy: policy.description().name.clone(),
                    name: setting.name.clone(),
                    summary: setting.summary.clone(),
                });
            }
        }
        Ok(Self { policy, settings: Arc::new(settings) })
    }

    /// Returns the policy's name.
    pub fn name(&self) -> String {
        self.policy.description().name.clone()
    }
}

/// Resolves references: a source of content, a chain of policies, grants and limits. Cheap to clone.
#[derive(Clone)]
pub struct Resolver {
    pub(crate) engine: Engine,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) vouch: Option<Arc<dyn Vouch>>,
    pub(crate) chain: Arc<[Link]>,
    pub(crate) grants: Grants,
    pub(crate) budget: Budget,
}

/// What a [`Resolver`] is made of.
pub struct Builder {
    engine: Engine,
    source: Arc<dyn Source>,
    vouch: Option<Arc<dyn Vouch>>,
    chain: Vec<Link>,
    grants: Grants,
    budget: Budget,
}

impl Resolver {
    /// Returns a builder with the engine that the policies were compiled for, and where content is read.
    pub fn builder(engine: Engine, source: Arc<dyn Source>) -> Builder {
        Builder { engine, source, vouch: None, chain: Vec::new(), grants: Grants::default(), budget: Budget::default() }
    }

    /// Returns a run that has not begun.
    pub fn session(&self, request: Request) -> Session {
        Session::new(self, request)
    }

    /// Returns what the chain decides of a request, in a run of its own.
    ///
    /// # Errors
    /// When the run ended without a decision.
    pub async fn resolve(&self, request: Request) -> Result<Outcome, Error> {
        self.session(request).resolve().await
    }
}

impl Builder {
    /// Adds a policy at the end of the chain. The first is the outermost; the default policy belongs at the end.
    #[must_use]
    pub fn policy(mut self, link: Link) -> Self {
        self.chain.push(link);
        self
    }

    /// Sets whose word counts where the source does not show an image's documents. The default policy at the end of the
    /// chain then decides by what it can read; configs come from here, and where nothing can be read, root and config.
    #[must_use]
    pub fn vouch(mut self, vouch: Arc<dyn Vouch>) -> Self {
        self.vouch = Some(vouch);
        self
    }

    /// Sets which repositories the runs may read besides the requested one.
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// Sets the limits of each run.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Returns the resolver.
    pub fn build(self) -> Resolver {
        Resolver {
            engine: self.engine,
            source: self.source,
            vouch: self.vouch,
            chain: self.chain.into(),
            grants: self.grants,
            budget: self.budget,
        }
    }
}
