//! The tables `[policy.NAME]`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use refkit_config::{ConfigError, Entry, Position};
use refkit_oci::Reference;
use refkit_oci::pattern::Pattern;

use super::problems::Problems;
use super::{Value, rule};

const KEYS: [&str; 4] = ["file", "artifact", "set", "grants"];

/// The scheme of a policy in a registry.
const OCI: &str = "oci://";

/// A policy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Policy {
    /// The table.
    pub position: Position,
    /// Where the component is.
    pub source: Value<Source>,
    /// Its settings, in the order of the file.
    pub set: Vec<(String, Value<String>)>,
    /// The repositories that the runs of its rules may read besides the requested one.
    pub grants: Value<Vec<Pattern>>,
}

/// Where a policy's component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A registry. A tag is resolved when the settings are loaded.
    Artifact(Reference),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Artifact(reference) => write!(f, "{OCI}{reference}"),
        }
    }
}

pub(super) fn read_all(table: &Entry<'_>, problems: &mut Problems) -> BTreeMap<String, Policy> {
    let entries = problems.take(table.entries()).unwrap_or_default();
    let policies = entries.iter().filter_map(|entry| Some((entry.key().to_owned(), read(entry, problems)?)));
    policies.collect()
}

fn read(table: &Entry<'_>, problems: &mut Problems) -> Option<Policy> {
    let (mut sources, mut set, mut grants) = (Vec::new(), Vec::new(), Value::default(Vec::new()));
    problems.keys(table, &KEYS, |problems, key| {
        match key.key() {
            "file" => sources.push(Value::at(key, Source::File(key.path(key.text()?)))),
            "artifact" => sources.push(Value::at(key, Source::Artifact(artifact(key)?))),
            "grants" => grants = Value::at(key, rule::patterns(key, problems)?),
            _ => {
                for one in key.entries()? {
                    let value = problems.take(one.text()).map(|value| Value::at(&one, value.to_owned()));
                    set.extend(value.map(|value| (one.key().to_owned(), value)));
                }
            }
        }
        Ok(())
    });
    let named = |key: &str| table.entries().is_ok_and(|entries| entries.iter().any(|entry| entry.key() == key));
    match (named("file"), named("artifact")) {
        (false, false) => problems.add(table.error("needs file or artifact, where its component is")),
        (true, true) => problems.add(table.error("has both file and artifact; write one")),
        _ => {}
    }
    let source = sources.pop()?;
    Some(Policy { position: table.position(), source, set, grants })
}

fn artifact(key: &Entry<'_>) -> Result<Reference, ConfigError> {
    let text = key.text()?.strip_prefix(OCI).ok_or_else(|| key.error("has to begin with oci://"))?;
    Reference::parse(text).map_err(|_| key.error("is no reference; write oci://REGISTRY/REPOSITORY@sha256:…"))
}
