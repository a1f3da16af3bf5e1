//! The scopes of tokens, as the distribution project's token specification has them: `type:name:action,action`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a request does to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Actions {
    /// Reads.
    Pull,
    /// Writes.
    Push,
    /// Writes, and reads another repository of the same host, by its path there.
    Mount(String),
}

impl Actions {
    /// Returns the scopes that a token for these actions has to have.
    pub(super) fn scopes(&self, path: &str) -> Scopes {
        let scopes = Scopes::default();
        match self {
            Self::Pull => scopes.repository(path, "pull"),
            Self::Push => scopes.repository(path, "pull,push"),
            Self::Mount(from) => scopes.repository(path, "pull,push").repository(from, "pull"),
        }
    }
}

/// Scopes, each resource once with all its actions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scopes {
    actions: BTreeMap<String, BTreeSet<String>>,
    /// Scopes of another form, unchanged.
    others: BTreeSet<String>,
}

impl Scopes {
    /// Reads the scopes of a challenge: a text with spaces between them.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        for scope in text.split_ascii_whitespace() {
            // A name may contain colons, such as the port in a registry's name.
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

    /// Returns the union of both.
    pub(crate) fn and(mut self, others: &Self) -> Self {
        for (resource, actions) in &others.actions {
            self.actions.entry(resource.clone()).or_default().extend(actions.iter().cloned());
        }
        self.others.extend(others.others.iter().cloned());
        self
    }

    /// Returns the scopes, sorted.
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
