//! Whether a chain is the one that a lock was made with.

use refkit_oci::Digest;

use super::Lock;
use crate::{Chain, PolicyIdentity};

/// A chain is not that of a lock: what it decides says nothing about the lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the lock was made with other policies: {0}")]
pub struct OtherChain(pub OtherPolicy);

/// The first difference of two chains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OtherPolicy {
    /// The names of the policies differ.
    #[error("it has {}, and this run {}", .lock.join(", "), .run.join(", "))]
    Names {
        /// Those of the lock, outermost first.
        lock: Vec<String>,
        /// Those of the run.
        run: Vec<String>,
    },
    /// The components of a policy differ.
    #[error("its {name} is {lock}, and this run's {run}")]
    Component {
        /// The policy.
        name: String,
        /// The component of the lock.
        lock: Digest,
        /// The component of the run.
        run: Digest,
    },
    /// The values of a setting differ.
    #[error("its {name}.{setting} is {}, and this run's {}", shown(.lock), shown(.run))]
    Setting {
        /// The policy.
        name: String,
        /// The setting.
        setting: String,
        /// The value of the lock.
        lock: Option<String>,
        /// The value of the run.
        run: Option<String>,
    },
    /// The grants differ.
    #[error("its grants are {}, and this run's {}", listed(.lock), listed(.run))]
    Grants {
        /// Those of the lock, sorted.
        lock: Vec<String>,
        /// Those of the run.
        run: Vec<String>,
    },
}

fn shown(value: &Option<String>) -> String {
    value.as_ref().map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"))
}

fn listed(grants: &[String]) -> String {
    if grants.is_empty() { "none".to_owned() } else { grants.join(", ") }
}

impl Lock {
    /// Checks that the lock was made with these policies, settings and grants.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, chain: &Chain, grants: impl IntoIterator<Item = String>) -> Result<(), OtherChain> {
        match self.difference(&Self::new(chain, grants)) {
            Some(other) => Err(OtherChain(other)),
            None => Ok(()),
        }
    }

    fn difference(&self, run: &Self) -> Option<OtherPolicy> {
        let names = |policies: &[PolicyIdentity]| -> Vec<String> {
            policies.iter().map(|policy| policy.name.clone()).collect()
        };
        let (lock, other) = (names(&self.policies), names(&run.policies));
        if lock != other {
            return Some(OtherPolicy::Names { lock, run: other });
        }
        for (lock, run) in self.policies.iter().zip(&run.policies) {
            let name = || lock.name.clone();
            if lock.component != run.component {
                let (lock, run) = (lock.component.clone(), run.component.clone());
                return Some(OtherPolicy::Component { name: name(), lock, run });
            }
            let mut settings = lock.settings.keys().chain(run.settings.keys());
            if let Some(setting) = settings.find(|name| lock.settings.get(*name) != run.settings.get(*name)) {
                let (lock_value, run_value) = (lock.settings.get(setting).cloned(), run.settings.get(setting).cloned());
                let setting = setting.clone();
                return Some(OtherPolicy::Setting { name: name(), setting, lock: lock_value, run: run_value });
            }
        }
        let differ = self.grants != run.grants;
        differ.then(|| OtherPolicy::Grants { lock: self.grants.clone(), run: run.grants.clone() })
    }
}
