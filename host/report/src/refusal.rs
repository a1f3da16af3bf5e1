//! Why a request gets no image, in one line: for a program whose answer is a status and not an output.

use refkit::{Absence, Denial, Error, ErrorCode};
use refkit_content::{ErrorKind, UngrantedWrite};
use refkit_oci::escape::Escaped;
use refkit_oci::{Platform, Repository};

use crate::message::{Reason, no_match};

/// Why a request gets no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of the failure; none for the denial of a policy.
    pub code: Option<ErrorCode>,
    /// One line, escaped.
    pub text: String,
}

impl Refusal {
    /// Returns the refusal for a denial, with every reason and the policy that gave it.
    pub fn denied(subject: &str, denials: &[Denial]) -> Self {
        let reasons: Vec<String> = denials.iter().map(|denial| Reason(denial).to_string()).collect();
        let by = if reasons.is_empty() { String::new() } else { format!(" {}", reasons.join("; ")) };
        Self { code: None, text: format!("{} denied{by}", Escaped(subject)) }
    }

    /// Returns the refusal for a run that failed.
    pub fn failed(subject: &str, error: &Error) -> Self {
        let text = match error {
            // It names its subject by itself.
            Error::Failed { cause: Some(cause), .. } | Error::Content(cause) => cause.to_string(),
            other => format!("{subject}: {other}"),
        };
        Self { code: Some(error.code()), text: Escaped(text).to_string() }
    }

    /// Returns the refusal for an image that a resolution does not have.
    pub fn absent(subject: &str, platform: &Platform, absence: &Absence) -> Self {
        let image = format!("{subject} ({platform})");
        let (code, text) = match absence {
            Absence::Denied(denials) => return Self::denied(&image, denials),
            Absence::NoMatch => (ErrorCode::NotFound, no_match(subject, Some(platform))),
            Absence::Failed(failure) => (failure.code, format!("{image}: {failure}")),
        };
        Self { code: Some(code), text: Escaped(text).to_string() }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn advice(mut self, advice: &str) -> Self {
        self.text = format!("{}; {}", self.text, Escaped(advice));
        self
    }
}

/// Returns the repository that a run may not read for want of a grant, if the run failed because of that.
pub fn ungranted(error: &Error) -> Option<&Repository> {
    match kind(error)? {
        ErrorKind::Ungranted(repository) => Some(repository),
        _ => None,
    }
}

/// Returns the pattern for what a run may not write for want of a grant, if the run failed because of that: the
/// repository, with the tag that the run may not move.
pub fn ungranted_write(error: &Error) -> Option<String> {
    let ErrorKind::UngrantedWrite(ungranted) = kind(error)? else { return None };
    let UngrantedWrite { repository, tag } = &**ungranted;
    Some(match tag {
        Some(tag) => format!("{repository}:{tag}"),
        None => repository.to_string(),
    })
}

/// Returns the kind of the host's own error that made a run fail.
fn kind(error: &Error) -> Option<&ErrorKind> {
    match error {
        Error::Failed { cause: Some(cause), .. } | Error::Content(cause) => Some(&cause.kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use refkit::Failure;
    use refkit_content::Operation;

    use super::*;

    fn failed(kind: ErrorKind) -> Error {
        let cause = refkit_content::Error::new(Operation::Pull, "far.test/a:1", kind);
        let failure = Failure::new(cause.code(), "what the policy says");
        Error::Failed { policy: "p".to_owned(), failure, cause: Some(cause) }
    }

    #[test]
    fn every_way_to_get_no_image() {
        let platform = "linux/amd64".parse().unwrap();
        let denial = |message: &str| Denial::new("rule", message, None);
        let other = Error::Failed {
            policy: "p".to_owned(),
            failure: Failure::new(ErrorCode::Other, "no\nerror: forged"),
            cause: None,
        };
        let rows = [
            (Refusal::denied("a:1", &[]), None, "a:1 denied"),
            (
                Refusal::denied("a:1", &[denial("one\n"), denial("two")]),
                None,
                "a:1 denied by policy  (rule rule): one\\n; by policy  (rule rule): two",
            ),
            (
                Refusal::failed("a:1", &failed(ErrorKind::NotFound)),
                Some(ErrorCode::NotFound),
                "cannot pull far.test/a:1: not found",
            ),
            (Refusal::failed("a:1", &other), Some(ErrorCode::Other), "a:1: the policy p says: no\\nerror: forged"),
            (
                Refusal::absent("a:1", &platform, &Absence::NoMatch).advice("look\x07"),
                Some(ErrorCode::NotFound),
                "a:1 has no image for linux/amd64; look\\u{7}",
            ),
            (
                Refusal::absent("a:1", &platform, &Absence::Denied(vec![denial("m")])),
                None,
                "a:1 (linux/amd64) denied by policy  (rule rule): m",
            ),
            (
                Refusal::absent("a:1", &platform, &Absence::Failed(Failure::new(ErrorCode::Timeout, "too slow"))),
                Some(ErrorCode::Timeout),
                "a:1 (linux/amd64): too slow",
            ),
        ];
        for (refusal, code, text) in rows {
            assert_eq!((refusal.code, refusal.text.as_str()), (code, text));
        }
    }

    #[test]
    fn only_a_missing_grant_is_one() {
        let far: Repository = "far.test/a".parse().unwrap();
        assert_eq!(ungranted(&failed(ErrorKind::Ungranted(far.clone()))), Some(&far));
        let write = |tag: Option<&str>| {
            let ungranted = UngrantedWrite { repository: far.clone(), tag: tag.map(str::to_owned) };
            ErrorKind::UngrantedWrite(Box::new(ungranted))
        };
        for (tag, pattern) in [(None, "far.test/a"), (Some("1"), "far.test/a:1")] {
            let error = failed(write(tag));
            assert_eq!((ungranted(&error), ungranted_write(&error).as_deref()), (None, Some(pattern)));
        }
        assert_eq!(ungranted_write(&failed(ErrorKind::Ungranted(far.clone()))), None);
        // The run may read the repository, and has not met the digest that it asks for.
        assert_eq!(ungranted(&failed(ErrorKind::NotGranted("not met".to_owned()))), None);
        assert_eq!(ungranted(&failed(ErrorKind::NotFound)), None);
    }
}
