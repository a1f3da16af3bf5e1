//! The variables before the first `FROM`.

use std::collections::BTreeMap;

use crate::build::Build;
use crate::error::{DockerfileError, Problem};
use crate::instruction::Instruction;
use crate::lex;

/// One `NAME` or `NAME=VALUE` of an `ARG`, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    name: String,
    value: Option<String>,
}

/// Reads an `ARG`.
pub(crate) fn arg(instruction: &Instruction, escape: char) -> Result<Vec<Assignment>, DockerfileError> {
    let words = words(&instruction.rest, escape);
    if words.is_empty() {
        return Err(Problem::Arg.at(instruction.line));
    }
    let assignments = words.into_iter().map(|word| match word.split_once('=') {
        Some(("", _)) => Err(Problem::Arg.at(instruction.line)),
        Some((name, value)) => Ok(Assignment { name: name.to_owned(), value: Some(value.to_owned()) }),
        None => Ok(Assignment { name: word, value: None }),
    });
    assignments.collect()
}

/// Splits a text at spaces that no quotes are around. Quotes and escape characters stay.
fn words(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match quote {
            None if character.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if open == character => quote = None,
            _ => {}
        }
        if character == escape && quote != Some('\'') {
            // At the end it stands for nothing.
            let Some(next) = characters.next() else { break };
            word.extend([character, next]);
        } else {
            word.push(character);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The variables with their values.
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
    escape: char,
}

impl Variables {
    /// Returns the values for a build: those of the platforms first, then the `ARG`s in their order.
    pub(crate) fn new(
        args: &[(u32, Assignment)],
        build: &Build,
        stage: &str,
        escape: char,
    ) -> Result<Self, DockerfileError> {
        let mut values: BTreeMap<String, String> = build.platform_args(stage).into_iter().collect();
        for (name, value) in &mut values {
            if let Some(given) = build.args.get(name) {
                value.clone_from(given);
            }
        }
        let mut variables = Self { values, escape };
        for (line, Assignment { name, value }) in args {
            let value = match (build.args.get(name), value) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(text)) => Some(variables.replace(text).map_err(|problem| problem.at(*line))?),
                (None, None) => None,
            };
            if let Some(value) = value {
                variables.values.insert(name.clone(), value);
            }
        }
        Ok(variables)
    }

    /// Returns a text with its variables replaced.
    pub(crate) fn replace(&self, text: &str) -> Result<String, Problem> {
        let replaced = lex::replace(text, self.escape, &|name| self.values.get(name).cloned());
        replaced.map_err(|reason| Problem::Substitution { text: text.to_owned(), reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_separate_assignments() {
        let rows: [(&str, &[&str]); 8] = [
            ("a", &["a"]),
            ("a=b c=\"d e\"\tf", &["a=b", "c=\"d e\"", "f"]),
            ("a='b c'", &["a='b c'"]),
            ("a=b\\ c", &["a=b\\ c"]),
            ("a=\"b\\\" c\"", &["a=\"b\\\" c\""]),
            ("a='b\\' c", &["a='b\\'", "c"]),
            ("a=b\\", &["a=b"]),
            ("a=\"b c", &["a=\"b c"]),
        ];
        for (text, wanted) in rows {
            assert_eq!(words(text, '\\'), wanted, "{text}");
        }
    }
}
