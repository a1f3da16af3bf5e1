//! Source policies: the rules by which BuildKit reads no image that was not decided about, and what rules say.
//!
//! BuildKit's engine (`sourcepolicy/engine.go`) reads the rules in order. The last ALLOW or DENY that matches wins; a
//! CONVERT that changes something is final at once, and everything starts again with what the source has become, at
//! most 21 times. Of several policies, those of the build's options come before those of the request, and each has to
//! let the source through.
//!
//! So [`Rules`] begin with DENY for all images, and go on with ALLOW and CONVERT for single ones:
//!
//! ```
//! use refkit_buildkit::source_policy::{Rules, evaluate};
//! use refkit_buildkit::pb;
//!
//! let chosen = "docker-image://docker.io/library/alpine:3@sha256:\
//!     c0d488a800e4127c334ad20d61d7bc21b4097540327217dfab52262adc02380c";
//! let mut rules = Rules::new();
//! rules.convert("docker-image://docker.io/library/alpine:3", chosen);
//! let policy = rules.policy().expect("no rule undoes another");
//!
//! let mut source = pb::SourceOp::default();
//! source.identifier = "docker-image://docker.io/library/alpine:3".to_owned();
//! assert!(evaluate(&[policy.clone()], &mut source).is_ok());
//! assert_eq!(source.identifier, chosen);
//! source.identifier = "docker-image://docker.io/library/busybox:1".to_owned();
//! assert!(evaluate(&[policy], &mut source).is_err());
//! ```

mod evaluate;
#[cfg(test)]
mod tests;
mod wildcard;

use std::collections::BTreeMap;

use crate::failure::printable;
use crate::pb::{MatchType, Policy, PolicyAction, Rule, Selector, SourceOp, Update};

pub use evaluate::{EvaluateError, evaluate};

/// Everything that reads images: `docker-image`, `docker-image+blob`, `oci-layout`, `oci-layout+blob`, and what may
/// come with the same beginnings. A `*` stands for `/`, `:` and `@` as well.
const IMAGES: [&str; 2] = ["docker-image*", "oci-layout*"];

/// Two decisions contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "BuildKit cannot be told to read {} for {}: by the other rules that becomes {}",
    printable(.to), printable(.from), printable(.became)
)]
pub struct Contradiction {
    /// What is to be converted.
    pub from: String,
    /// Into what.
    pub to: String,
    /// What it becomes instead, or why nothing.
    pub became: String,
}

/// Rules for one request: no image is read but those that are named here, word for word.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What each identifier becomes; itself, where it is only allowed.
    decisions: BTreeMap<String, String>,
}

impl Rules {
    /// Returns rules by which no image is read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the source of an identifier be read as it is.
    pub fn allow(&mut self, identifier: &str) {
        self.convert(identifier, identifier);
    }

    /// Has another source read for the one of an identifier. Its attributes stay, and so does its platform.
    pub fn convert(&mut self, from: &str, to: &str) {
        self.decisions.insert(from.to_owned(), to.to_owned());
    }

    /// Returns the policy, which was tried out on every identifier.
    ///
    /// # Errors
    /// When what one decision leads to is what another one converts further.
    pub fn policy(&self) -> Result<Policy, Contradiction> {
        let mut rules: Vec<Rule> = IMAGES.map(|all| rule(PolicyAction::Deny, MatchType::Wildcard, all)).into();
        for (from, to) in &self.decisions {
            if from != to {
                let updates = Some(Update { identifier: to.clone(), attrs: BTreeMap::new() });
                rules.push(Rule { updates, ..rule(PolicyAction::Convert, MatchType::Exact, from) });
            }
            rules.push(rule(PolicyAction::Allow, MatchType::Exact, to));
        }
        let policy = [Policy { version: 1, rules }];
        for (from, to) in &self.decisions {
            let mut source = SourceOp { identifier: from.clone(), attrs: BTreeMap::new() };
            let became = match evaluate(&policy, &mut source) {
                Ok(_) if source.identifier == *to => continue,
                Ok(_) => source.identifier,
                Err(error) => error.to_string(),
            };
            return Err(Contradiction { from: from.clone(), to: to.clone(), became });
        }
        let [policy] = policy;
        Ok(policy)
    }
}

fn rule(action: PolicyAction, match_type: MatchType, identifier: &str) -> Rule {
    let selector =
        Selector { identifier: identifier.to_owned(), match_type: match_type.into(), constraints: Vec::new() };
    Rule { action: action.into(), selector: Some(selector), updates: None }
}
