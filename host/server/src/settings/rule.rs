//! The tables `[[rule]]`.

use std::collections::HashSet;

use refkit_config::{ConfigError, Entry, Position};
use refkit_oci::pattern::Pattern;

use super::Value;
use super::problems::Problems;
use crate::identity::ClientPattern;

const KEYS: [&str; 6] = ["name", "match", "clients", "policies", "dry_run", "push"];

/// A rule.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rule {
    /// The table.
    pub position: Position,
    /// The name in logs and metrics; by default the number of the rule, from 1.
    pub name: Value<String>,
    /// The references that it is about.
    pub matches: Value<Vec<Pattern>>,
    /// The clients that it is about; all if there is none.
    pub clients: Option<Value<Vec<ClientPattern>>>,
    /// The names of the policies, outermost first.
    pub policies: Value<Vec<String>>,
    /// Whether a denial is only logged.
    pub dry_run: Value<bool>,
    /// The clients that may push.
    pub push: Value<Vec<ClientPattern>>,
}

pub(super) fn read_all(list: &Entry<'_>, policies: &[&str], problems: &mut Problems) -> Vec<Rule> {
    let tables = problems.take(list.list()).unwrap_or_default();
    let tables = tables.iter().enumerate();
    let rules: Vec<Rule> = tables.filter_map(|(place, table)| read(table, place + 1, policies, problems)).collect();
    let mut names = HashSet::new();
    for rule in &rules {
        if !names.insert(&rule.name.value) {
            let position = rule.name.position.as_ref().unwrap_or(&rule.position);
            problems.add(position.error("is the name of an earlier rule"));
        }
    }
    rules
}

fn read(table: &Entry<'_>, number: usize, policies: &[&str], problems: &mut Problems) -> Option<Rule> {
    let mut rule = Rule {
        position: table.position(),
        name: Value::default(number.to_string()),
        matches: Value::default(Vec::new()),
        clients: None,
        policies: Value::default(Vec::new()),
        dry_run: Value::default(false),
        push: Value::default(Vec::new()),
    };
    let mut has_match = false;
    problems.keys(table, &KEYS, |problems, key| {
        match key.key() {
            "name" => rule.name = Value::at(key, name(key)?),
            "match" => {
                has_match = true;
                rule.matches = Value::at(key, patterns(key, problems)?);
            }
            "clients" => rule.clients = Some(Value::at(key, clients(key, problems)?)),
            "policies" => rule.policies = Value::at(key, names(key, policies, problems)?),
            "dry_run" => rule.dry_run = Value::at(key, key.boolean()?),
            _ => rule.push = Value::at(key, clients(key, problems)?),
        }
        Ok(())
    });
    if !has_match {
        problems.add(table.error("needs match, the patterns of the references that it is about"));
        return None;
    }
    Some(rule)
}

fn name(key: &Entry<'_>) -> Result<String, ConfigError> {
    let text = key.text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let valid = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    if valid { Ok(text.to_owned()) } else { Err(key.error("is no name of a rule: letters, digits and ._-, up to 64")) }
}

/// Reads the elements of a list, or one; each that is wrong is an error.
pub(super) fn each<'d, T>(
    key: &Entry<'d>,
    problems: &mut Problems,
    read: impl Fn(&Entry<'d>) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    let list = if key.is_text() { vec![key.clone()] } else { key.list()? };
    Ok(list.iter().filter_map(|one| problems.take(read(one))).collect())
}

/// Reads patterns of references.
pub(super) fn patterns(key: &Entry<'_>, problems: &mut Problems) -> Result<Vec<Pattern>, ConfigError> {
    let read = each(key, problems, |one| {
        Pattern::parse(one.text()?)
            .map_err(|error| one.error(format!("has no pattern of references: {}", error.reason)))
    })?;
    let empty = key.list().is_ok_and(|list| list.is_empty());
    if empty { Err(key.error("is empty, so it matches nothing")) } else { Ok(read) }
}

fn clients(key: &Entry<'_>, problems: &mut Problems) -> Result<Vec<ClientPattern>, ConfigError> {
    each(key, problems, |one| one.text()?.parse().map_err(|reason: &str| one.error(reason)))
}

fn names(key: &Entry<'_>, policies: &[&str], problems: &mut Problems) -> Result<Vec<String>, ConfigError> {
    let names = each(key, problems, |one| {
        let name = one.text()?;
        match policies.contains(&name) {
            true => Ok(name.to_owned()),
            false if policies.is_empty() => {
                Err(one.error("names a policy that is not here: there is no [policy.NAME]"))
            }
            false => Err(one.position().unknown("names a policy that is not here", name, policies)),
        }
    })?;
    let mut seen = HashSet::new();
    match names.iter().all(|name| seen.insert(name)) {
        true => Ok(names),
        false => Err(key.error("names one policy twice")),
    }
}
