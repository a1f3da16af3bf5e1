//! The rules of a state, as the services of gRPC ask them.

use std::sync::Arc;
use std::time::Instant;

use refkit::{Budget, Engine, Error, Session};
use refkit_oci::{Digest, Reference, Repository};

use crate::grpc::rules::{Allowed, Caller, Decision, Destination, End, Refused, Rules, Writable};
use crate::rules::{DEFAULT, Rule};
use crate::{Client, State};

/// A state, for one call of a client.
pub(crate) struct ByState {
    state: Arc<State>,
    client: Client,
    begun: Instant,
}

/// Returns the name by which a client is remembered: one that no other client has.
pub(crate) fn caller(client: &Client) -> Caller {
    Caller(match client {
        // With the hash of the certificate among the names.
        Client::Certificate(names) => format!("certificate:{}", names.join(" ")).into(),
        other => other.to_string().into(),
    })
}

impl ByState {
    /// Returns the rules for a call that begins now.
    pub(crate) fn new(state: Arc<State>, client: Client) -> Self {
        Self { state, client, begun: Instant::now() }
    }

    fn allowed(&self, rule: &Rule) -> Allowed {
        Allowed {
            rule: Arc::clone(&rule.name),
            chain: rule.chain.clone(),
            source: Arc::new(self.state.upstream().clone()),
            grants: rule.grants.clone(),
            budget: Budget::default(),
            dry_run: rule.dry_run,
        }
    }

    fn no_rule(&self, may: &str, what: impl std::fmt::Display) -> Refused {
        Refused(format!("no rule of this server lets {} {may} {what}", self.client))
    }
}

impl Rules for ByState {
    fn read(&self, _: &Caller, reference: &Reference) -> Result<Allowed, Refused> {
        let rule = self.state.rule(&self.client, reference);
        rule.map(|rule| self.allowed(rule)).ok_or_else(|| self.no_rule("read", reference))
    }

    fn repository(&self, _: &Caller, repository: &Repository) -> Result<Allowed, Refused> {
        let rule = self.state.repository_rule(&self.client, repository);
        rule.map(|rule| self.allowed(rule)).ok_or_else(|| self.no_rule("read", repository))
    }

    fn push(&self, _: &Caller, destination: Destination<'_>) -> Result<Writable, Refused> {
        let (state, client) = (&self.state, &self.client);
        let (rule, what) = match destination {
            // A manifest without a tag moves nothing that somebody may rely on.
            Destination::Manifest(to) if to.tag().is_none() => {
                (state.push_content_rule(client, to.repository()), to.to_string())
            }
            Destination::Manifest(to) => (state.push_rule(client, to), to.to_string()),
            Destination::Blobs(to) => (state.push_content_rule(client, to), to.to_string()),
        };
        match rule {
            Some(rule) => Ok(Writable { rule: Arc::clone(&rule.name), target: Arc::new(state.registries().clone()) }),
            None => Err(self.no_rule("push to", what)),
        }
    }

    fn engine(&self, _: &Caller) -> Result<Engine, Refused> {
        Ok(self.state.default_chain().engine().clone())
    }

    fn ran(&self, session: &Session, error: Option<&Error>) {
        self.state.metrics().ran(&session.trace());
        if let Some(error) = error {
            self.state.metrics().failed(error);
        }
    }

    fn decided(&self, decision: &Decision<'_>) {
        let took = self.begun.elapsed();
        let rule = decision.rule.unwrap_or(DEFAULT);
        let (outcome, policy, digest, error) = match decision.end {
            End::Allowed(digest) => ("allowed", None, digest, None),
            End::Denied { policy, dry_run: true } => ("would-deny", Some(policy), None, None),
            End::Denied { policy, dry_run: false } => ("denied", Some(policy), None, None),
            End::Refused => ("refused", None, None, None),
            End::Failed(text) => ("failed", None, None, Some(text)),
        };
        self.state.metrics().decided(decision.method, rule, outcome, took);
        tracing::info!(
            target: "refkit::decision",
            client = %self.client,
            service = decision.method,
            reference = decision.subject,
            rule,
            outcome,
            policy,
            error,
            digest = digest.map(Digest::as_str),
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "decided"
        );
    }
}
