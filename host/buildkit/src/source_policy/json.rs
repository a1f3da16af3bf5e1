//! Source policies as JSON: what `buildctl --source-policy-file` and buildx's `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY` read.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::pb::{self, MatchType, PolicyAction};

#[derive(Serialize)]
struct Policy<'a> {
    version: i64,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    action: &'static str,
    selector: Selector<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updates: Option<Updates<'a>>,
}

#[derive(Serialize)]
struct Selector<'a> {
    identifier: &'a str,
    match_type: &'static str,
}

#[derive(Serialize)]
struct Updates<'a> {
    identifier: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attrs: &'a BTreeMap<String, String>,
}

/// Returns a policy as indented JSON, with a line feed at its end. A rule without a selector, which BuildKit refuses, and
/// constraints of attributes, which [`Rules`](super::Rules) do not have, are left out.
pub fn to_json(policy: &pb::Policy) -> String {
    let rules = policy.rules.iter().filter_map(|rule| {
        let selector = rule.selector.as_ref()?;
        let match_type = MatchType::try_from(selector.match_type).ok()?;
        let updates = rule.updates.as_ref();
        Some(Rule {
            action: PolicyAction::try_from(rule.action).ok()?.as_str_name(),
            selector: Selector { identifier: &selector.identifier, match_type: match_type.as_str_name() },
            updates: updates.map(|updates| Updates { identifier: &updates.identifier, attrs: &updates.attrs }),
        })
    });
    let policy = Policy { version: policy.version, rules: rules.collect() };
    let mut text = serde_json::to_string_pretty(&policy).unwrap_or_default();
    text.push('\n');
    text
}
