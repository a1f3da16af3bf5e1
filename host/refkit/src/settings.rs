//! Which policy gets which setting: each value goes to exactly one.
//!
//! `NAME=VALUE` is for the only policy that lists a setting of that name. `POLICY.NAME=VALUE` names the policy, by its
//! name or by its place in the chain, from 1. A text that can mean settings of two policies is an error: a policy
//! chooses its own name and its settings, and must not read what is meant for another one.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use refkit_contract::Description;

use crate::MissingSetting;

/// A setting that cannot be given to a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistributeError {
    /// No policy of the chain lists it.
    #[error("no policy has a setting {name}")]
    Unknown {
        /// What was set.
        name: String,
        /// The settings that there are, as `POLICY.NAME`.
        known: Vec<String>,
        /// How many policies the chain has, the default one counted.
        policies: usize,
    },
    /// More than one policy lists it.
    #[error("the setting {name} can be that of {}", .policies.join(" or "))]
    Ambiguous {
        /// What was set.
        name: String,
        /// The policies, by name and place.
        policies: Vec<String>,
        /// The settings that it can mean, as `POLICY.NAME`.
        known: Vec<String>,
    },
}

impl DistributeError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { known, policies: 0 | 1, .. } if known.is_empty() => {
                "the default policy has no settings, and there is no other policy".to_owned()
            }
            Self::Unknown { known, .. } if known.is_empty() => "these policies have no settings".to_owned(),
            Self::Unknown { known, .. } => format!("there are {}", known.join(", ")),
            Self::Ambiguous { known, .. } => format!("say which: {}", known.join(" or ")),
        }
    }
}

/// `NAME=VALUE` or `POLICY.NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    name: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some(("", _)) => Err("there is no name before the '='"),
            Some((name, value)) => Ok(Self { name: name.to_owned(), value: value.to_owned() }),
            None => Err("it is written NAME=VALUE or POLICY.NAME=VALUE"),
        }
    }
}

/// Writes what was read.
impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Assignment {
    /// Returns the assignment of a value to a setting, which may have its policy's name or place before it.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Returns the setting of a policy that this can mean, if it can: by its own name, or with the policy's name or
    /// place before it.
    fn of<'a>(&'a self, place: usize, policy: &Description) -> Option<&'a str> {
        if lists(policy, &self.name) {
            return Some(&self.name);
        }
        let place = (place + 1).to_string();
        let rest = |prefix: &str| self.name.strip_prefix(prefix)?.strip_prefix('.');
        [policy.name.as_str(), &place].into_iter().find_map(|prefix| rest(prefix).filter(|name| lists(policy, name)))
    }
}

fn lists(policy: &Description, name: &str) -> bool {
    policy.settings.iter().any(|setting| setting.name == name)
}

/// Returns the values for each policy. Of two values for one setting, the later counts.
///
/// # Errors
/// [`DistributeError`] for a setting that no policy lists, and for one that more than one does.
pub fn distribute(
    assignments: &[Assignment],
    policies: &[&Description],
) -> Result<Vec<BTreeMap<String, String>>, DistributeError> {
    let mut values = vec![BTreeMap::new(); policies.len()];
    for one in assignments {
        let meant = policies.iter().enumerate().filter_map(|(place, policy)| Some((place, one.of(place, policy)?)));
        match meant.collect::<Vec<_>>()[..] {
            [] => return Err(unknown(one, policies)),
            [(place, name)] => drop(values[place].insert(name.to_owned(), one.value.clone())),
            ref several => return Err(ambiguous(one, several, policies)),
        }
    }
    Ok(values)
}

/// Adds the defaults of the settings that have no value.
///
/// # Errors
/// [`MissingSetting`], for the first required setting that has neither a value nor a default.
pub(crate) fn complete(policy: &Description, values: &mut BTreeMap<String, String>) -> Result<(), MissingSetting> {
    for setting in &policy.settings {
        if values.contains_key(&setting.name) {
            continue;
        }
        match &setting.default {
            Some(default) => drop(values.insert(setting.name.clone(), default.clone())),
            None if setting.required => {
                let (policy, name, summary) = (policy.name.clone(), setting.name.clone(), setting.summary.clone());
                return Err(MissingSetting { policy, name, summary });
            }
            None => {}
        }
    }
    Ok(())
}

/// Returns the shortest name by which [`distribute`] gives a setting to the policy at a place of the chain, and to no
/// other: `NAME`, `POLICY.NAME`, or `PLACE.NAME`.
pub fn address(policies: &[&Description], place: usize, name: &str) -> String {
    if means_one(policies, name) { name.to_owned() } else { full_address(policies, place, name) }
}

fn full_address(policies: &[&Description], place: usize, name: &str) -> String {
    let by_name = format!("{}.{name}", policies[place].name);
    if means_one(policies, &by_name) { by_name } else { format!("{}.{name}", place + 1) }
}

fn means_one(policies: &[&Description], name: &str) -> bool {
    let one = Assignment { name: name.to_owned(), value: String::new() };
    policies.iter().enumerate().filter(|(place, policy)| one.of(*place, policy).is_some()).count() == 1
}

fn unknown(stray: &Assignment, policies: &[&Description]) -> DistributeError {
    let known = policies.iter().enumerate().flat_map(|(place, policy)| {
        policy.settings.iter().map(move |setting| full_address(policies, place, &setting.name))
    });
    DistributeError::Unknown { name: stray.name.clone(), known: known.collect(), policies: policies.len() }
}

fn ambiguous(one: &Assignment, meant: &[(usize, &str)], policies: &[&Description]) -> DistributeError {
    DistributeError::Ambiguous {
        name: one.name.clone(),
        policies: meant.iter().map(|(place, _)| format!("policy {} ({})", place + 1, policies[*place].name)).collect(),
        known: meant.iter().map(|(place, name)| full_address(policies, *place, name)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use refkit_contract::Setting;

    use super::*;

    fn policy(name: &str, settings: &[&str]) -> Description {
        let setting =
            |name: &&str| Setting { name: (*name).to_owned(), summary: String::new(), required: false, default: None };
        Description {
            name: name.to_owned(),
            version: String::new(),
            summary: String::new(),
            settings: settings.iter().map(setting).collect(),
        }
    }

    fn assignments(texts: &[&str]) -> Vec<Assignment> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn values_reach_the_policies_that_list_them() {
        let (first, second) = (policy("first", &["allow", "a.b"]), policy("second", &["allow", "label"]));
        // assignments, of the first, of the second
        type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);
        let rows: [Row<'_>; 8] = [
            (&[], &[], &[]),
            (&["first.allow=x"], &[("allow", "x")], &[]),
            (&["1.allow=x"], &[("allow", "x")], &[]),
            (&["second.allow=y", "first.allow=x"], &[("allow", "x")], &[("allow", "y")]),
            (&["2.allow=y", "second.allow=z"], &[], &[("allow", "z")]),
            (&["label=", "label=k=v"], &[], &[("label", "k=v")]),
            (&["a.b=1", "first.a.b=2"], &[("a.b", "2")], &[]),
            (&["second.label=1", "second.label=2"], &[], &[("label", "2")]),
        ];
        for (texts, of_first, of_second) in rows {
            let values = distribute(&assignments(texts), &[&first, &second]).unwrap();
            for (values, wanted) in values.iter().zip([of_first, of_second]) {
                let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                assert_eq!(values, wanted, "{texts:?}");
            }
        }
    }

    #[test]
    fn a_name_that_no_policy_lists_is_refused() {
        let (first, second) = (policy("first", &["allow"]), policy("second", &[]));
        for text in ["alow=x", "second.allow=x", "third.allow=x", "first.=x", ".allow=x", "first=x"] {
            let failure = distribute(&assignments(&[text]), &[&first, &second]).unwrap_err().hint();
            assert!(failure.contains("there are first.allow"), "{text}: {failure}");
        }
        let failure = distribute(&assignments(&["a=b"]), &[&second]).unwrap_err().hint();
        assert!(failure.contains("there is no other policy"), "{failure}");
    }

    /// A value is for one policy: another one cannot get it by listing the same name, by calling itself the same, or by
    /// a name that reads like another policy's setting.
    #[test]
    fn a_setting_of_two_policies_is_refused() {
        let token = policy("first", &["token"]);
        // the other policy, what is set, what the error and its hint say
        let rows = [
            (
                policy("other", &["token"]),
                "token=x",
                "policy 1 (first) or policy 2 (other)",
                "first.token or other.token",
            ),
            (policy("first", &["token"]), "token=x", "policy 1 (first) or policy 2 (first)", "1.token or 2.token"),
            (
                policy("first", &["token"]),
                "first.token=x",
                "policy 1 (first) or policy 2 (first)",
                "1.token or 2.token",
            ),
            (
                policy("other", &["first.token"]),
                "first.token=x",
                "policy 1 (first) or policy 2 (other)",
                "1.token or other.first.token",
            ),
            (policy("1", &["token"]), "1.token=x", "policy 1 (first) or policy 2 (1)", "first.token or 2.token"),
        ];
        for (other, text, said, hint) in rows {
            let error = distribute(&assignments(&[text]), &[&token, &other]).unwrap_err();
            assert!(error.to_string().ends_with(said), "{text}: {error}");
            assert!(error.hint().contains(hint), "{text}: {}", error.hint());
        }
    }

    /// What an error tells to write is what reaches that policy, and no other.
    #[test]
    fn an_address_reaches_its_policy() {
        let chains: [&[Description]; 3] = [
            &[policy("a", &["x"]), policy("b", &["y"])],
            &[policy("a", &["x"]), policy("b", &["x"])],
            &[policy("a", &["x"]), policy("a", &["x"])],
        ];
        let wanted = [["x", "y"], ["a.x", "b.x"], ["1.x", "2.x"]];
        for (chain, wanted) in chains.into_iter().zip(wanted) {
            let chain: Vec<&Description> = chain.iter().collect();
            for (place, wanted) in wanted.into_iter().enumerate() {
                let name = &chain[place].settings[0].name;
                assert_eq!(address(&chain, place, name), wanted);
                let values = distribute(&assignments(&[&format!("{wanted}=v")]), &chain).unwrap();
                let got: Vec<usize> = (0..chain.len()).filter(|at| !values[*at].is_empty()).collect();
                assert_eq!(got, [place]);
            }
        }
    }

    #[test]
    fn an_assignment_has_a_name() {
        for text in ["", "=", "=x", "name"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
