//! Source policies: the rules that keep BuildKit from reading any image about which RefKit has not decided, and the
//! evaluation of rules.
//!
//! BuildKit's engine (`sourcepolicy/engine.go`) evaluates the rules in order. The last ALLOW or DENY that matches wins. A
//! CONVERT that changes the source ends the round, and the engine starts again with the changed source, at most 21 times.
//! The policies of the build's options come before those of the request, and each policy has to allow the source.
//!
//! So [`Rules`] begin with DENY for all images, followed by ALLOW and CONVERT for single ones:
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
mod identifier;
mod json;
#[cfg(test)]
mod tests;
mod wildcard;

use std::collections::BTreeMap;

use crate::failure::printable;
use crate::pb::{MatchType, Policy, PolicyAction, Rule, Selector, SourceOp, Update};

pub use evaluate::{EvaluateError, evaluate};
pub use identifier::identifier;
pub use json::to_json;

/// The patterns of all identifiers that read images: `docker-image`, `docker-image+blob`, `oci-layout`, `oci-layout+blob`,
/// and later schemes with the same prefixes. A `*` matches `/`, `:` and `@` as well.
const IMAGES: [&str; 2] = ["docker-image*", "oci-layout*"];

/// Two decisions that one set of rules cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "BuildKit cannot be told to read {} for {}: by the other rules that becomes {}",
    printable(.to), printable(.from), printable(.became)
)]
pub struct Contradiction {
    /// The identifier to convert.
    pub from: String,
    /// The identifier that it is to become.
    pub to: String,
    /// The identifier that it becomes instead, or the error.
    pub became: String,
}

/// The rules for one request, or for every build that gets them. BuildKit reads only the images whose identifiers they
/// contain, unless [`Rules::allow_others`] says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    others: bool,
    /// The target of each identifier: the identifier itself where it is allowed as it is.
    decisions: BTreeMap<String, String>,
}

impl Rules {
    /// Returns rules that deny every image.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets BuildKit read images that these rules do not contain, as if there were none.
    #[must_use]
    pub fn allow_others(self) -> Self {
        Self { others: true, ..self }
    }

    /// Allows a source as it is.
    pub fn allow(&mut self, identifier: &str) {
        self.convert(identifier, identifier);
    }

    /// Converts a source into another one. Its attributes and its platform stay.
    pub fn convert(&mut self, from: &str, to: &str) {
        self.decisions.insert(from.to_owned(), to.to_owned());
    }

    /// Returns the source policy, after evaluating it for every identifier.
    ///
    /// # Errors
    /// The first decision whose target another decision converts further.
    pub fn policy(&self) -> Result<Policy, Contradiction> {
        let denied = IMAGES.into_iter().filter(|_| !self.others);
        let mut rules: Vec<Rule> = denied.map(|all| rule(PolicyAction::Deny, MatchType::Wildcard, all)).collect();
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
