//! One instruction: its keyword, its flags, and the rest.

use crate::error::{DockerfileError, Problem};
use crate::flags;

/// The instructions of the Dockerfile reference.
const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What separates words. A form feed and a vertical tab do too.
const SPACES: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// An instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Its first line, counted from 1.
    pub(crate) line: u32,
    /// In upper case.
    pub(crate) keyword: &'static str,
    /// `--name=value`, without quotes.
    pub(crate) flags: Vec<String>,
    /// What follows the flags.
    pub(crate) rest: String,
    /// What `ONBUILD` puts off.
    pub(crate) trigger: Option<Box<Instruction>>,
}

impl Instruction {
    /// Reads an instruction of a line that is continued no more.
    pub(crate) fn read(text: &str, line: u32, escape: char) -> Result<Self, DockerfileError> {
        let text = text.trim();
        let (keyword, arguments) = text.split_once(SPACES).unwrap_or((text, ""));
        let upper = keyword.to_ascii_uppercase();
        let Some(keyword) = KEYWORDS.into_iter().find(|known| *known == upper) else {
            return Err(Problem::Unknown(keyword.to_owned()).at(line));
        };
        let (flags, rest) = flags::split(arguments.trim_start_matches(SPACES), escape);
        let rest = rest.trim().to_owned();
        let trigger = match keyword {
            "ONBUILD" => Some(Box::new(Self::trigger(&rest, line, escape)?)),
            _ => None,
        };
        Ok(Self { line, keyword, flags, rest, trigger })
    }

    fn trigger(text: &str, line: u32, escape: char) -> Result<Self, DockerfileError> {
        let keyword = text.split(SPACES).next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            "" | "ONBUILD" | "FROM" | "MAINTAINER" => Err(Problem::Trigger(keyword).at(line)),
            _ => Self::read(text, line, escape),
        }
    }

    /// Returns whether `<<` in it begins a heredoc. In the JSON form it does not.
    pub(crate) fn may_have_heredocs(&self) -> bool {
        let one = self.trigger.as_deref().unwrap_or(self);
        matches!(one.keyword, "ADD" | "COPY" | "RUN")
            && !(one.rest.starts_with('[') && serde_json::from_str::<Vec<String>>(&one.rest).is_ok())
    }

    /// Returns the words of the rest.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.rest.split(SPACES).filter(|word| !word.is_empty())
    }

    /// Returns the values of a flag.
    ///
    /// # Errors
    /// [`Problem::NoValue`].
    pub(crate) fn values(&self, name: &'static str) -> Result<Vec<&str>, DockerfileError> {
        let flags = self.flags.iter().filter_map(|flag| flag.strip_prefix("--")?.strip_prefix(name));
        let values = flags.filter_map(|rest| match rest.strip_prefix('=') {
            Some(value) => Some(Ok(value)),
            None if rest.is_empty() => Some(Err(Problem::NoValue(name).at(self.line))),
            None => None,
        });
        values.collect()
    }

    /// Returns the value of a flag that may stand once.
    ///
    /// # Errors
    /// [`Problem::NoValue`], [`Problem::RepeatedFlag`].
    pub(crate) fn value(&self, name: &'static str) -> Result<Option<&str>, DockerfileError> {
        match self.values(name)?[..] {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(Problem::RepeatedFlag(name).at(self.line)),
        }
    }
}
