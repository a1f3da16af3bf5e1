//! The errors of the command.
//!
//! A command returns an `anyhow::Error`. Its chain may contain a [`CommandError`], which has the exit code, the kind
//! and the hint; errors of the libraries have a kind. [`CommandError::of`] reads the chain at the top of the program.

use std::fmt;
use std::io;

use refkit::ErrorCode;
use refkit_report::ErrorMessage;

use crate::exit::Exit;

/// An error with its exit code, its kind and a hint for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    exit: Exit,
    message: ErrorMessage,
}

impl CommandError {
    /// Returns an error of a kind: the command did not get what the user asked for.
    pub fn failed(code: ErrorCode, text: impl fmt::Display) -> Self {
        Self { exit: Exit::Failed, message: ErrorMessage::new(code, text) }
    }

    /// Returns an error of the command line.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: ErrorMessage::new(ErrorCode::Invalid, text) }
    }

    /// Sets what the user can do about the error, or the alternatives.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.message.hint = Some(hint.to_string());
        self
    }

    /// Reads the chain of an error. The text is that of every context and cause, from the outermost to the root.
    pub fn of(error: &anyhow::Error) -> Self {
        let text = chain(error);
        match error.downcast_ref::<Self>() {
            Some(known) => Self { message: ErrorMessage { text, ..known.message.clone() }, ..known.clone() },
            None => Self::failed(code(error), text),
        }
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the message for the user.
    pub fn message(&self) -> &ErrorMessage {
        &self.message
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message.text)
    }
}

impl std::error::Error for CommandError {}

impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        Self::of(&error)
    }
}

/// Joins the texts of a chain. Many errors of the libraries contain the text of their cause; such a cause is left out.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = match cause.downcast_ref::<io::Error>() {
            Some(error) => plain(error),
            None => cause.to_string(),
        };
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn code(error: &anyhow::Error) -> ErrorCode {
    let code = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(error) = cause.downcast_ref::<refkit::Error>() {
            return Some(error.code());
        }
        if let Some(error) = cause.downcast_ref::<refkit_content::Error>() {
            return Some(error.code());
        }
        if cause.is::<refkit_registry::hosts::HostsError>() {
            return Some(ErrorCode::Invalid);
        }
        let missing = cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound);
        missing.then_some(ErrorCode::NotFound)
    };
    error.chain().find_map(code).unwrap_or(ErrorCode::Other)
}

/// Returns the text of an error of the operating system without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_typed_cause_decides_below_any_context() {
        let usage = || CommandError::usage("no tag").hint("add one");
        let bare = CommandError::of(&usage().into());
        assert_eq!(bare, usage());
        let error = Err::<(), _>(usage()).context("cannot make the image").unwrap_err();
        let found = CommandError::of(&error);
        assert_eq!((found.exit(), found.message.hint.as_deref()), (Exit::Usage, Some("add one")));
        assert_eq!(found.message.text, "cannot make the image: no tag");
    }

    #[test]
    fn an_error_of_a_library_has_its_own_kind() {
        let missing = || io::Error::from_raw_os_error(2);
        let error = Err::<(), _>(missing()).context("cannot read the policy p.wasm").unwrap_err();
        let found = CommandError::of(&error);
        assert_eq!((found.exit(), found.message.code), (Exit::Failed, ErrorCode::NotFound));
        assert_eq!(found.message.text, "cannot read the policy p.wasm: No such file or directory");
        let timeout = refkit::Error::Timeout { limit: std::time::Duration::from_secs(1) };
        let found = CommandError::of(&anyhow::Error::from(timeout).context("cannot resolve r/a:1"));
        assert_eq!(found.message.code, ErrorCode::Timeout);
        assert_eq!(CommandError::of(&anyhow::anyhow!("x")).message.code, ErrorCode::Other);
    }
}
