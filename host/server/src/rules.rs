//! Which chain of policies decides about a reference, for which client.

use std::collections::BTreeMap;
use std::sync::Arc;

use refkit::{Chain, ChainError, Grants};
use refkit_oci::pattern::Pattern;
use refkit_oci::{Reference, Repository};

use crate::Client;
use crate::identity::ClientPattern;
use crate::policies::Loaded;
use crate::settings::{self, Settings};

/// The name of what decides where no rule matches.
pub(crate) const DEFAULT: &str = "default";

/// A rule, ready to decide.
#[derive(Clone)]
#[non_exhaustive]
pub struct Rule {
    /// The name in logs and metrics.
    pub name: Arc<str>,
    /// The policies.
    pub chain: Chain,
    /// What the runs may read besides the requested repository.
    pub grants: Grants,
    /// Whether a denial is only logged.
    pub dry_run: bool,
    matches: Vec<Pattern>,
    clients: Option<Vec<ClientPattern>>,
    push: Vec<ClientPattern>,
}

impl Rule {
    /// Returns whether the rule is about a reference of this client.
    pub fn matches(&self, client: &Client, reference: &Reference) -> bool {
        self.is_for(client) && self.matches.iter().any(|pattern| pattern.matches(reference))
    }

    fn is_for(&self, client: &Client) -> bool {
        self.clients.as_ref().is_none_or(|clients| any(clients, client))
    }
}

fn any(patterns: &[ClientPattern], client: &Client) -> bool {
    patterns.iter().any(|pattern| pattern.matches(client))
}

/// The rules in order, and what decides after them.
#[derive(Clone)]
pub(crate) struct Rules {
    list: Vec<Arc<Rule>>,
    /// What decides where none matches; nothing if such references are denied.
    default: Option<Arc<Rule>>,
}

impl Rules {
    /// Returns the rules of the settings, over a chain of the default policy alone.
    ///
    /// # Errors
    /// The error of a setting that a policy does not have.
    pub(crate) fn new(
        settings: &Settings,
        policies: &BTreeMap<String, Loaded>,
        end: &Chain,
    ) -> Result<Self, ChainError> {
        let rule = |rule: &settings::Rule| {
            let named = || {
                rule.policies.value.iter().filter_map(|name| Some((settings.policies.get(name)?, policies.get(name)?)))
            };
            let chain = end
                .preceded_by(named().map(|(policy, loaded)| (loaded.policy.clone(), policy.assignments())).collect())?;
            let grants = Grants::new(named().flat_map(|(policy, _)| policy.grants.value.clone()));
            Ok::<_, ChainError>(Arc::new(Rule {
                name: rule.name.value.as_str().into(),
                chain,
                grants,
                dry_run: rule.dry_run.value,
                matches: rule.matches.value.clone(),
                clients: rule.clients.as_ref().map(|clients| clients.value.clone()),
                push: rule.push.value.clone(),
            }))
        };
        let list = settings.rules.iter().map(rule).collect::<Result<_, _>>()?;
        let default = match settings.server.default.value {
            settings::DefaultRule::Deny => None,
            settings::DefaultRule::Allow => Some(Arc::new(Rule {
                name: DEFAULT.into(),
                chain: end.clone(),
                grants: Grants::default(),
                dry_run: false,
                matches: Vec::new(),
                clients: None,
                push: Vec::new(),
            })),
        };
        Ok(Self { list, default })
    }

    /// Returns the first rule that is about a reference of this client, or what decides after all rules; nothing if the
    /// reference is denied.
    pub(crate) fn of(&self, client: &Client, reference: &Reference) -> Option<&Arc<Rule>> {
        self.list.iter().find(|rule| rule.matches(client, reference)).or(self.default.as_ref())
    }

    /// Returns the first rule that is about any reference of a repository, or what decides after all rules: for what has no
    /// tag, such as blobs.
    pub(crate) fn repository(&self, client: &Client, repository: &Repository) -> Option<&Arc<Rule>> {
        let about = |rule: &&Arc<Rule>| {
            rule.is_for(client) && rule.matches.iter().any(|pattern| pattern.matches_name(repository))
        };
        self.list.iter().find(about).or(self.default.as_ref())
    }

    /// Returns the rule by which a client may push a manifest to a reference: the first that is about it, if it says so.
    pub(crate) fn push(&self, client: &Client, reference: &Reference) -> Option<&Arc<Rule>> {
        self.of(client, reference).filter(|rule| any(&rule.push, client))
    }

    /// Returns a rule by which a client may push content that has no tag yet into a repository: any that lets it push some
    /// reference there.
    pub(crate) fn push_content(&self, client: &Client, repository: &Repository) -> Option<&Arc<Rule>> {
        let there = |rule: &&Arc<Rule>| {
            rule.is_for(client) && rule.matches.iter().any(|pattern| pattern.matches_name(repository))
        };
        self.list.iter().filter(there).find(|rule| any(&rule.push, client))
    }
}
