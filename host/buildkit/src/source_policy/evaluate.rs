//! The evaluation of rules, as in BuildKit's `sourcepolicy/engine.go`, `matcher.go`, `mutate.go` and `formatter.go`.

use super::wildcard;
use crate::failure::printable;
use crate::pb::{AttrConstraint, AttrMatch, MatchType, Policy, PolicyAction, Rule, Selector, SourceOp};

/// The most rounds for one source: BuildKit's `maxIterr`, and the first one.
const ROUNDS: usize = 21;

/// Why the rules let BuildKit read no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The last matching rule denies the source.
    #[error("{} is denied", printable(.0))]
    Denied(String),
    /// The rules convert the source again and again.
    #[error("{} is converted too often", printable(.0))]
    TooOften(String),
    /// A rule is malformed, and BuildKit refuses it.
    #[error("a rule is malformed: {0}")]
    Malformed(String),
    /// A rule has a regular expression, which only BuildKit can evaluate.
    #[error("a rule has a regular expression, {}", printable(.0))]
    Regex(String),
}

/// Applies source policies to a source as BuildKit does, and returns whether they have changed it. They may have changed
/// it before an error as well.
///
/// # Errors
/// [`EvaluateError::Denied`] where the rules deny the source; the other kinds where the rules cannot be evaluated.
pub fn evaluate(policies: &[Policy], source: &mut SourceOp) -> Result<bool, EvaluateError> {
    let mut changed = false;
    for _ in 0..ROUNDS {
        if !round(policies, source)? {
            return Ok(changed);
        }
        changed = true;
    }
    Err(EvaluateError::TooOften(source.identifier.clone()))
}

/// Evaluates the policies until one of them changes the source.
fn round(policies: &[Policy], source: &mut SourceOp) -> Result<bool, EvaluateError> {
    for policy in policies {
        let mut denied = false;
        for rule in &policy.rules {
            let selector =
                rule.selector.as_ref().ok_or_else(|| EvaluateError::Malformed("it has no selector".to_owned()))?;
            if !matches(selector, source)? {
                continue;
            }
            match PolicyAction::try_from(rule.action) {
                Ok(PolicyAction::Allow) => denied = false,
                Ok(PolicyAction::Deny) => denied = true,
                Ok(PolicyAction::Convert) if convert(rule, selector, source)? => return Ok(true),
                Ok(PolicyAction::Convert) => {}
                Err(_) => return Err(EvaluateError::Malformed(format!("its action is {}", rule.action))),
            }
        }
        if denied {
            return Err(EvaluateError::Denied(source.identifier.clone()));
        }
    }
    Ok(false)
}

fn matches(selector: &Selector, source: &SourceOp) -> Result<bool, EvaluateError> {
    for constraint in &selector.constraints {
        if !holds(constraint, source)? {
            return Ok(false);
        }
    }
    if selector.identifier == source.identifier {
        return Ok(true);
    }
    match match_type(selector)? {
        MatchType::Exact => Ok(false),
        MatchType::Wildcard => Ok(wildcard(selector, &source.identifier)?.is_some()),
        MatchType::Regex => Err(EvaluateError::Regex(selector.identifier.clone())),
    }
}

fn holds(constraint: &AttrConstraint, source: &SourceOp) -> Result<bool, EvaluateError> {
    let value = source.attrs.get(&constraint.key).map(String::as_str).unwrap_or_default();
    match AttrMatch::try_from(constraint.condition) {
        Ok(AttrMatch::Equal) => Ok(value == constraint.value),
        Ok(AttrMatch::Notequal) => Ok(value != constraint.value),
        Ok(AttrMatch::Matches) => Err(EvaluateError::Regex(constraint.value.clone())),
        Err(_) => Err(EvaluateError::Malformed(format!("its condition is {}", constraint.condition))),
    }
}

/// Applies the updates of a rule to the source, and returns whether they have changed it.
fn convert(rule: &Rule, selector: &Selector, source: &mut SourceOp) -> Result<bool, EvaluateError> {
    let updates =
        rule.updates.as_ref().ok_or_else(|| EvaluateError::Malformed("it converts into nothing".to_owned()))?;
    let format = if updates.identifier.is_empty() { &selector.identifier } else { &updates.identifier };
    let to = match match_type(selector)? {
        MatchType::Exact => format.clone(),
        MatchType::Wildcard => match wildcard(selector, &source.identifier)? {
            Some(parts) => wildcard::expand(format, &source.identifier, &parts),
            None => source.identifier.clone(),
        },
        MatchType::Regex => return Err(EvaluateError::Regex(selector.identifier.clone())),
    };
    let mut changed = false;
    if source.identifier != to && !to.is_empty() {
        source.identifier = to;
        changed = true;
    }
    for (key, value) in &updates.attrs {
        // BuildKit treats a missing attribute like an empty one.
        if source.attrs.get(key).map(String::as_str).unwrap_or_default() != value {
            source.attrs.insert(key.clone(), value.clone());
            changed = true;
        }
    }
    Ok(changed)
}

fn match_type(selector: &Selector) -> Result<MatchType, EvaluateError> {
    MatchType::try_from(selector.match_type)
        .map_err(|_| EvaluateError::Malformed(format!("its match type is {}", selector.match_type)))
}

fn wildcard<'a>(selector: &Selector, identifier: &'a str) -> Result<Option<Vec<&'a str>>, EvaluateError> {
    wildcard::captures(&selector.identifier, identifier).ok_or_else(|| {
        EvaluateError::Malformed(format!("its selector is {}, with **", printable(&selector.identifier)))
    })
}
