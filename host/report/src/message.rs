//! Messages about errors and denials, in the form that every program of RefKit prints.

use std::fmt;

use refkit::{Denial, ErrorCode};
use refkit_oci::Platform;
use refkit_oci::escape::Escaped;

/// An error for a person: what is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorMessage {
    /// The kind of the error.
    pub code: ErrorCode,
    /// What is wrong, as it came: a registry or a policy may have written parts of it.
    pub text: String,
    /// What to do about it, or what there is to choose from.
    pub hint: Option<String>,
}

impl ErrorMessage {
    /// Returns a message without a hint.
    pub fn new(code: ErrorCode, text: impl fmt::Display) -> Self {
        Self { code, text: text.to_string(), hint: None }
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Writes one line, or two with a hint, both escaped.
impl fmt::Display for ErrorMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", Escaped(&self.text))?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {}", Escaped(hint)),
            None => Ok(()),
        }
    }
}

/// One reason of a denial, and the policy that gave it, escaped.
pub(crate) struct Reason<'a>(pub(crate) &'a Denial);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(denial) = self;
        let (rule, message) = (Escaped(&denial.rule), Escaped(&denial.message));
        write!(f, "by policy {} (rule {rule}): {message}", Escaped(denial.policy()))
    }
}

/// Returns the line for one reason of a denial, escaped.
pub fn denied(subject: &str, denial: &Denial) -> String {
    format!("denied: {} {}", Escaped(subject), Reason(denial))
}

/// Returns the text for a reference that names no image for a platform.
pub(crate) fn no_match(subject: &str, platform: Option<&Platform>) -> String {
    match platform {
        Some(platform) => format!("{subject} has no image for {platform}"),
        None => format!("{subject} has no image for a wanted platform"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_cannot_add_a_line() {
        let message = ErrorMessage::new(ErrorCode::Other, "no\nerror: forged").hint("do\x1b[2Jthis".to_owned());
        assert_eq!(message.to_string(), "error: no\\nerror: forged\n  do\\u{1b}[2Jthis");
        let line = denied("r/a:1", &Denial::new("r\n", "m\x07", None));
        assert_eq!(line, "denied: r/a:1 by policy  (rule r\\n): m\\u{7}");
    }
}
