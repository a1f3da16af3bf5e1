//! The rules of the tests: one chain for everything, and a list of who may push where.

use std::sync::Arc;

use parking_lot::Mutex;
use refkit::{Budget, Chain, Component, Engine, Error, Event, Grants, Session};
use refkit_content::{Memory, Push, Source};
use refkit_oci::pattern::Pattern;
use refkit_oci::{Reference, Repository};
use refkit_registry::Client;
use refkit_server::grpc::rules::{Allowed, Caller, Decision, Destination, End, Refused, Rules, Writable};
use refkit_tests::stage::ENGINE;

/// Rules over one store.
pub struct TestRules {
    allowed: Allowed,
    target: Arc<dyn Push>,
    hidden: Option<Pattern>,
    push: Vec<(&'static str, Pattern)>,
    /// A line for each decision.
    pub log: Mutex<Vec<String>>,
    /// A line for each run: the policies in it, and its error.
    pub runs: Mutex<Vec<String>>,
}

impl TestRules {
    /// Returns rules over content in memory.
    pub async fn over(memory: &Memory) -> Self {
        Self::new(Arc::new(memory.clone()), Arc::new(memory.clone())).await
    }

    /// Returns rules over registries on loopback.
    pub async fn over_registries() -> Self {
        let client = Client::builder().system_roots(false).build();
        Self::new(Arc::new(client.clone()), Arc::new(client)).await
    }

    async fn new(source: Arc<dyn Source>, target: Arc<dyn Push>) -> Self {
        let chain = Chain::load(&ENGINE, [].into_iter().collect(), &[]).await.expect("the default policy loads");
        let (grants, budget) = (Grants::default(), Budget::default());
        let allowed = Allowed { rule: "everything".into(), chain, source, grants, budget, dry_run: false };
        Self { allowed, target, hidden: None, push: Vec::new(), log: Mutex::default(), runs: Mutex::default() }
    }

    /// Puts policies before the default one.
    pub async fn policies(mut self, policies: impl IntoIterator<Item = Component>) -> Self {
        let loaded = Chain::load(&ENGINE, policies.into_iter().collect(), &[]).await;
        self.allowed.chain = loaded.expect("a test's chain loads");
        self
    }

    /// Lets the policies read repositories besides the requested one.
    pub fn grant(mut self, pattern: &str) -> Self {
        self.allowed.grants = Grants::new([pattern.parse().expect("a test's pattern")]);
        self
    }

    /// Only notes denials.
    pub fn dry_run(mut self) -> Self {
        self.allowed.dry_run = true;
        self
    }

    /// Lets nobody read some repositories.
    pub fn hide(mut self, pattern: &str) -> Self {
        self.hidden = Some(pattern.parse().expect("a test's pattern"));
        self
    }

    /// Lets a caller push.
    pub fn push(mut self, caller: &'static str, pattern: &str) -> Self {
        self.push.push((caller, pattern.parse().expect("a test's pattern")));
        self
    }
}

impl Rules for TestRules {
    fn read(&self, caller: &Caller, reference: &Reference) -> Result<Allowed, Refused> {
        self.repository(caller, reference.repository())
    }

    fn repository(&self, caller: &Caller, repository: &Repository) -> Result<Allowed, Refused> {
        match &self.hidden {
            Some(hidden) if hidden.matches_name(repository) => {
                Err(Refused(format!("no rule lets {caller} read {repository}")))
            }
            _ => Ok(self.allowed.clone()),
        }
    }

    fn push(&self, caller: &Caller, destination: Destination<'_>) -> Result<Writable, Refused> {
        let allowed = |pattern: &Pattern| match destination {
            Destination::Manifest(reference) => pattern.matches(reference),
            Destination::Blobs(repository) => pattern.matches_name(repository),
        };
        match self.push.iter().any(|(name, pattern)| *name == &*caller.0 && allowed(pattern)) {
            true => Ok(Writable { rule: Arc::clone(&self.allowed.rule), target: Arc::clone(&self.target) }),
            false => Err(Refused(format!("no rule lets {caller} push there"))),
        }
    }

    fn engine(&self, _: &Caller) -> Result<Engine, Refused> {
        Ok(ENGINE.clone())
    }

    fn ran(&self, session: &Session, error: Option<&Error>) {
        let trace = session.trace();
        let policies = trace.spans.iter().filter_map(|span| match &span.event {
            Event::Policy { name, .. } => Some(name.to_string()),
            _ => None,
        });
        let policies: Vec<_> = policies.collect();
        let error = error.map_or_else(String::new, |error| format!(": {error}"));
        self.runs.lock().push(format!("{}{error}", policies.join(" ")));
    }

    fn decided(&self, decision: &Decision<'_>) {
        let Decision { caller, method, subject, rule, end } = decision;
        let end = match end {
            End::Allowed(digest) => format!("allowed {}", digest.map_or("", |digest| digest.as_str())),
            End::Denied { policy, dry_run } => format!("denied by {policy}, dry run {dry_run}"),
            End::Refused => "refused".to_owned(),
            End::Failed(text) => format!("failed: {text}"),
        };
        self.log.lock().push(format!("{caller} {method} {subject} {} {end}", rule.unwrap_or("-")));
    }
}
