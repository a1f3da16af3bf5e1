//! The errors of a Dockerfile, with their line.

use refkit_oci::platform::PlatformError;
use refkit_oci::reference::ReferenceError;

/// What is wrong with a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
#[non_exhaustive]
pub struct DockerfileError {
    /// The line, counted from 1: the first one of an instruction.
    pub line: u32,
    /// What is wrong in it.
    #[source]
    pub problem: Problem,
}

/// What is wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file has no `FROM`.
    #[error("the file has no FROM")]
    NoStage,
    /// The name of a directive, which stands twice.
    #[error("the directive {0} may stand only once")]
    Repeated(&'static str),
    /// Another escape character than `\` and `` ` ``.
    #[error("the escape character may be \\ or `, not {0}")]
    Escape(String),
    /// An instruction that the Dockerfile reference does not have.
    #[error("{0} is no instruction of the Dockerfile reference")]
    Unknown(String),
    /// An instruction before the first `FROM` that is no `ARG`.
    #[error("{0} stands before the first FROM")]
    BeforeFrom(&'static str),
    /// A `FROM` with too few or too many words.
    #[error("FROM has one name, or one name, AS, and the name of the stage")]
    From,
    /// The name of a stage that is malformed.
    #[error("{0} is no name of a stage: it begins with a letter, and has letters, digits, `-`, `_` and `.`")]
    StageName(String),
    /// An `ARG` without a name.
    #[error("ARG has NAME or NAME=VALUE")]
    Arg,
    /// `ONBUILD` with an instruction that is no trigger.
    #[error("ONBUILD {0} is not allowed")]
    Trigger(String),
    /// A flag that stands twice.
    #[error("the flag --{0} may stand only once")]
    RepeatedFlag(&'static str),
    /// A flag without a value.
    #[error("the flag --{0} has no value")]
    NoValue(&'static str),
    /// A heredoc whose end is missing.
    #[error("the heredoc {0} has no end")]
    Heredoc(String),
    /// A name that is empty once its variables are replaced.
    #[error("{0} is empty once its variables are replaced")]
    Empty(String),
    /// A variable where BuildKit replaces none.
    #[error("{0} has a variable, which BuildKit does not replace here: name the image in a FROM")]
    Variable(String),
    /// The number of a stage that does not exist.
    #[error("there is no stage {0}")]
    NoSuchIndex(String),
    /// A stage that was asked for and does not exist.
    #[error("there is no stage {0}; there are {1}")]
    NoSuchStage(String, String),
    /// A substitution that is malformed.
    #[error("cannot replace the variables of {text}: {reason}")]
    Substitution {
        /// The text with the variables.
        text: String,
        /// What is wrong.
        reason: SubstitutionError,
    },
    /// A name that is no reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A platform that is none.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// What is wrong with a substitution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubstitutionError {
    /// A quote without its end.
    #[error("{0} is not closed")]
    Open(char),
    /// `${` without a name.
    #[error("`${{` has no name")]
    NoName,
    /// A modifier that Dockerfiles do not have.
    #[error("the modifier {0} is unknown")]
    Modifier(String),
    /// `${NAME?MESSAGE}` of a variable without a value.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message.
        message: String,
    },
    /// A pattern with an escape that means nothing.
    #[error("the pattern {0} is malformed")]
    Pattern(String),
    /// The result is too long.
    #[error("the result has more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Substitutions in substitutions without end.
    #[error("substitutions are nested more than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

impl Problem {
    pub(crate) fn at(self, line: u32) -> DockerfileError {
        DockerfileError { line, problem: self }
    }
}
