//! Which policy gets which setting.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::Description;

/// A setting that no policy of the chain lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no policy has a setting {name}")]
pub struct UnknownSetting {
    /// What was set.
    pub name: String,
    /// The settings that there are, as `POLICY.NAME`.
    pub known: Vec<String>,
    /// How many policies the chain has, the default one counted.
    pub policies: usize,
}

impl UnknownSetting {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match (&self.known[..], self.policies) {
            ([], 0 | 1) => "the default policy has no settings; name a policy with --policy FILE".to_owned(),
            ([], _) => "these policies have no settings".to_owned(),
            (names, _) => format!("there are {}", names.join(", ")),
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
    /// Returns the name of the setting, if it is one of this policy's: by its own name, or with the policy's before it.
    fn of<'a>(&'a self, policy: &Description) -> Option<&'a str> {
        let listed = |name: &str| policy.settings.iter().any(|setting| setting.name == name);
        if listed(&self.name) {
            return Some(&self.name);
        }
        let name = self.name.strip_prefix(policy.name.as_str())?.strip_prefix('.')?;
        listed(name).then_some(name)
    }

    /// Returns whether it is meant for policies of this name only.
    fn is_narrow(&self, policy: &Description) -> bool {
        !policy.settings.iter().any(|setting| setting.name == self.name)
    }
}

/// Returns the values for each policy. What is meant for one policy wins over what is meant for all; of two for the
/// same, the later.
///
/// # Errors
/// [`UnknownSetting`] for a name that no policy lists, with the names there are.
pub fn distribute(
    assignments: &[Assignment],
    policies: &[&Description],
) -> Result<Vec<BTreeMap<String, String>>, UnknownSetting> {
    if let Some(stray) = assignments.iter().find(|one| policies.iter().all(|policy| one.of(policy).is_none())) {
        return Err(unknown(stray, policies));
    }
    let values = |policy: &&Description| {
        let (narrow, wide): (Vec<_>, Vec<_>) = assignments.iter().partition(|one| one.is_narrow(policy));
        let all = wide.into_iter().chain(narrow);
        all.filter_map(|one| Some((one.of(policy)?.to_owned(), one.value.clone()))).collect()
    };
    Ok(policies.iter().map(values).collect())
}

fn unknown(stray: &Assignment, policies: &[&Description]) -> UnknownSetting {
    let mut known: Vec<String> = Vec::new();
    for policy in policies {
        for setting in &policy.settings {
            let name = format!("{}.{}", policy.name, setting.name);
            if !known.contains(&name) {
                known.push(name);
            }
        }
    }
    UnknownSetting { name: stray.name.clone(), known, policies: policies.len() }
}

#[cfg(test)]
mod tests {
    use crate::Setting;

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
        let rows: [Row<'_>; 7] = [
            (&[], &[], &[]),
            (&["allow=x"], &[("allow", "x")], &[("allow", "x")]),
            (&["first.allow=x"], &[("allow", "x")], &[]),
            (&["second.allow=y", "allow=x"], &[("allow", "x")], &[("allow", "y")]),
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
    fn a_name_that_nobody_lists_is_refused() {
        let (first, second) = (policy("first", &["allow"]), policy("second", &[]));
        for text in ["alow=x", "second.allow=x", "third.allow=x", "first.=x", ".allow=x", "first=x"] {
            let failure = distribute(&assignments(&[text]), &[&first, &second]).unwrap_err().hint();
            assert!(failure.contains("there are first.allow"), "{text}: {failure}");
        }
        let failure = distribute(&assignments(&["a=b"]), &[&second]).unwrap_err().hint();
        assert!(failure.contains("--policy FILE"), "{failure}");
    }

    #[test]
    fn an_assignment_has_a_name() {
        for text in ["", "=", "=x", "name"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
