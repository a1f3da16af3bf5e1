//! The fields of configs.

use std::fmt;

use refkit_oci::Platform;

use super::{Change, Image, Texts};

/// A field of two configs that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The platform.
    Platform(Change<Platform>),
    /// When the image was made.
    Created(Change<Option<String>>),
    /// Who made it.
    Author(Change<Option<String>>),
    /// The user and group.
    User(Change<Option<String>>),
    /// The working directory.
    WorkingDir(Change<Option<String>>),
    /// The program that a container runs.
    Entrypoint(Change<Vec<String>>),
    /// Its arguments.
    Cmd(Change<Vec<String>>),
    /// The environment; an entry without `=` has an empty value.
    Env(Texts),
    /// The labels.
    Labels(Texts),
}

impl Field {
    pub(super) fn all(first: &Image, second: &Image) -> Vec<Self> {
        let (one, other) = (&first.config, &second.config);
        let (ran, run) = (&one.config, &other.config);
        let texts = |first: &[_], second: &[_]| Some(Texts::of(first, second)).filter(|texts| !texts.is_empty());
        [
            Change::of(first.platform.clone(), second.platform.clone()).map(Self::Platform),
            Change::of(one.created.clone(), other.created.clone()).map(Self::Created),
            Change::of(one.author.clone(), other.author.clone()).map(Self::Author),
            Change::of(ran.user.clone(), run.user.clone()).map(Self::User),
            Change::of(ran.working_dir.clone(), run.working_dir.clone()).map(Self::WorkingDir),
            Change::of(ran.entrypoint.clone(), run.entrypoint.clone()).map(Self::Entrypoint),
            Change::of(ran.cmd.clone(), run.cmd.clone()).map(Self::Cmd),
            texts(&variables(&ran.env), &variables(&run.env)).map(Self::Env),
            texts(&ran.labels, &run.labels).map(Self::Labels),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Returns an environment by name; of two entries of a name the last one counts, as for a process.
fn variables(env: &[String]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for entry in env {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        match found.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => found.push((name.to_owned(), value.to_owned())),
        }
    }
    found
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.as_deref().unwrap_or("none").to_owned();
        let list = |list: &[String]| format!("{list:?}");
        match self {
            Self::Platform(Change { first, second }) => write!(f, "platform: {first}, then {second}"),
            Self::Created(Change { first, second }) => write!(f, "created: {}, then {}", text(first), text(second)),
            Self::Author(Change { first, second }) => write!(f, "author: {}, then {}", text(first), text(second)),
            Self::User(Change { first, second }) => write!(f, "user: {}, then {}", text(first), text(second)),
            Self::WorkingDir(Change { first, second }) => {
                write!(f, "working directory: {}, then {}", text(first), text(second))
            }
            Self::Entrypoint(Change { first, second }) => {
                write!(f, "entrypoint: {}, then {}", list(first), list(second))
            }
            Self::Cmd(Change { first, second }) => write!(f, "arguments: {}, then {}", list(first), list(second)),
            Self::Env(texts) => write!(f, "environment: {texts}"),
            Self::Labels(texts) => write!(f, "labels: {texts}"),
        }
    }
}

/// Writes `-NAME=VALUE`, `+NAME=VALUE` and `NAME=VALUE, then VALUE`.
impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let removed = self.removed.iter().map(|(name, value)| format!("-{name}={value}"));
        let added = self.added.iter().map(|(name, value)| format!("+{name}={value}"));
        let changed =
            self.changed.iter().map(|(name, Change { first, second })| format!("{name}={first}, then {second}"));
        f.write_str(&removed.chain(added).chain(changed).collect::<Vec<_>>().join("; "))
    }
}
