//! What a token is to allow, as the distribution project's token specification has it: `type:name:action,action`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Scopes, each resource once with all its actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scopes {
    actions: BTreeMap<String, BTreeSet<String>>,
    /// What has another form, as it came.
    others: BTreeSet<String>,
}

impl Scopes {
    /// Returns those of a text with spaces between them, as a challenge has them.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        for scope in text.split_ascii_whitespace() {
            // A name may have colons, as that of a repository behind a port has.
            match scope.rsplit_once(':').filter(|(resource, _)| resource.contains(':')) {
                Some((resource, actions)) => scopes.add(resource, actions),
                None => _ = scopes.others.insert(scope.to_owned()),
            }
        }
        scopes
    }

    /// Adds actions on a repository.
    pub(crate) fn repository(mut self, path: &str, actions: &str) -> Self {
        self.add(&format!("repository:{path}"), actions);
        self
    }

    fn add(&mut self, resource: &str, actions: &str) {
        let actions = actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned);
        self.actions.entry(resource.to_owned()).or_default().extend(actions);
    }

    /// Returns these and those.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        for (resource, actions) in &others.actions {
            self.actions.entry(resource.clone()).or_default().extend(actions.iter().cloned());
        }
        self.others.extend(others.others.iter().cloned());
        self
    }

    /// Returns each scope, in an order that does not depend on where it came from.
    pub(crate) fn each(&self) -> Vec<String> {
        let resources = self.actions.iter().map(|(resource, actions)| {
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            format!("{resource}:{}", actions.join(","))
        });
        resources.chain(self.others.iter().cloned()).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.each().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged() {
        for (one, two, wanted) in [
            ("", "", ""),
            ("repository:a:pull", "", "repository:a:pull"),
            ("repository:a:pull", "repository:a:push,pull", "repository:a:pull,push"),
            ("repository:b:pull", "repository:a:pull", "repository:a:pull repository:b:pull"),
            ("repository:host:5000/a:pull", "repository:host:5000/a:push", "repository:host:5000/a:pull,push"),
            ("repository(plugin):a:pull", "repository:a:pull", "repository(plugin):a:pull repository:a:pull"),
            ("  registry:catalog:*   repository:a:pull ", "", "registry:catalog:* repository:a:pull"),
            ("openid", "openid a:", "a: openid"),
            ("repository:a:,pull,,", "", "repository:a:pull"),
        ] {
            assert_eq!(Scopes::parse(one).and(&Scopes::parse(two)).to_string(), wanted, "{one:?} and {two:?}");
        }
    }
}
