//! Requests and outcomes as text, short enough for a table of cases.

use crate::{Absence, Denial, Descriptor, Error, ErrorCode, Image, Outcome, Parts, Reference, Request, Selection};

use super::platform;

/// Names for digests, which keep a table short.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Gives a digest a name, unless it has one.
    pub fn add(&mut self, digest: &str, name: &str) {
        self.0.push((digest.to_owned(), name.to_owned()));
    }

    /// Returns the digest of a name.
    pub fn digest(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(_, known)| known == name).map(|(digest, _)| digest.as_str())
    }

    /// Returns the text with names in place of digests.
    pub fn shorten(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (digest, name)| text.replace(digest.as_str(), name))
    }

    /// Returns the text with digests in place of the names after a `$`.
    pub fn expand(&self, text: &str) -> String {
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        names.iter().fold(text.to_owned(), |text, (digest, name)| text.replace(&format!("${name}"), digest))
    }
}

/// Parses a complete reference: `registry/repository[:tag][@digest]`.
///
/// # Errors
/// An error if there is no registry, or neither tag nor digest.
pub fn reference(text: &str) -> Result<Reference, String> {
    let fail = || format!("{text:?} is not a full reference");
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest.to_owned())),
        None => (text, None),
    };
    let (registry, path) = name.split_once('/').ok_or_else(fail)?;
    let (repository, tag) = match path.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag.to_owned())),
        None => (path, None),
    };
    if tag.is_none() && digest.is_none() {
        return Err(fail());
    }
    Ok(Reference { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
}

/// Returns a request as text: the reference, then `for` the platforms or all, then `with` the parts.
pub(super) fn request(request: &Request) -> String {
    let selection = match &request.selection {
        Selection::All => "all".to_owned(),
        Selection::Platforms(wanted) => wanted.iter().map(platform::show).collect::<Vec<_>>().join(", "),
    };
    let parts = [(Parts::IMAGES, "images"), (Parts::CONFIGS, "configs"), (Parts::ATTESTATIONS, "attestations")];
    let parts: Vec<_> = parts.iter().filter(|(part, _)| request.parts.contains(*part)).map(|(_, name)| *name).collect();
    let parts = if parts.is_empty() { String::new() } else { format!(" with {}", parts.join(", ")) };
    format!("{} for {selection}{parts}", request.reference)
}

/// Returns the result of a request as lines: the root, then a line for each item.
pub(super) fn outcome(asked: &Reference, result: &Result<Outcome, Error>) -> Vec<String> {
    match result {
        Err(failure) => vec![format!("error {}", error(failure))],
        Ok(Outcome::Denied(denials)) => denials.iter().map(denial).collect(),
        Ok(Outcome::Next(next)) => vec![format!("next {}", request(next))],
        Ok(Outcome::Resolved(resolved)) => {
            let reference =
                if resolved.reference == *asked { String::new() } else { format!(" of {}", resolved.reference) };
            let mut lines = vec![format!("root {}{reference}", resolved.root.digest)];
            for place in &resolved.images {
                match place {
                    Ok(found) => lines.push(image(found)),
                    Err(Absence::NoMatch) => lines.push("no-match".into()),
                    Err(Absence::Failed(failure)) => lines.push(format!("failed {}", error(failure))),
                    Err(Absence::Denied(denials)) => {
                        lines.push(denials.iter().map(denial).collect::<Vec<_>>().join(" & "))
                    }
                }
            }
            lines
        }
    }
}

fn image(image: &Image) -> String {
    let mut text = format!("image {}", image.manifest.digest);
    if let Some(known) = &image.platform {
        text.push_str(&format!(" is {}", platform::show(known)));
    }
    if !image.parents.is_empty() {
        text.push_str(&format!(" in {}", digests(&image.parents)));
    }
    if let Some(config) = &image.config {
        text.push_str(&format!(" config {}", config.digest));
    }
    if !image.attestations.is_empty() {
        text.push_str(&format!(" attested {}", digests(&image.attestations)));
    }
    text
}

fn digests(list: &[Descriptor]) -> String {
    list.iter().map(|descriptor| descriptor.digest.as_str()).collect::<Vec<_>>().join(", ")
}

fn denial(denial: &Denial) -> String {
    let subject = denial.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    format!("denied {}: {}{subject}", denial.rule, denial.message)
}

fn error(error: &Error) -> String {
    format!("{}: {}", CODES[error.code as usize].0, error.message)
}

const CODES: [(&str, ErrorCode); 10] = [
    ("invalid", ErrorCode::Invalid),
    ("not-found", ErrorCode::NotFound),
    ("unauthorized", ErrorCode::Unauthorized),
    ("not-granted", ErrorCode::NotGranted),
    ("budget-exhausted", ErrorCode::BudgetExhausted),
    ("unsupported", ErrorCode::Unsupported),
    ("rate-limited", ErrorCode::RateLimited),
    ("unavailable", ErrorCode::Unavailable),
    ("timeout", ErrorCode::Timeout),
    ("other", ErrorCode::Other),
];

/// Parses a failure: `code: message`.
pub(super) fn failure(text: &str) -> Result<Error, String> {
    let (name, message) = text.split_once(": ").ok_or_else(|| format!("{text:?} is not `code: message`"))?;
    let code = CODES.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("{name:?} is no error code"))?;
    Ok(Error::new(code.1, message))
}

/// Returns whether a line fits the expected one, in which `…` stands for any text.
pub(super) fn fits(expected: &str, actual: &str) -> bool {
    let Some((head, tail)) = expected.split_once('…') else { return expected == actual };
    let Some(mut rest) = actual.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = tail.split('…').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match rest.find(piece) {
            Some(start) => rest = &rest[start + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_stands_for_any_text() {
        let yes = [("a", "a"), ("a…", "a"), ("a…c", "abc"), ("…b…", "abc"), ("a…b…c", "a1b2c"), ("…", "")];
        let no = [("a", "ab"), ("a…c", "ab"), ("b…", "ab"), ("a…b…c", "acb"), ("a…a", "a")];
        yes.iter().for_each(|(expected, actual)| assert!(fits(expected, actual), "{expected} {actual}"));
        no.iter().for_each(|(expected, actual)| assert!(!fits(expected, actual), "{expected} {actual}"));
    }

    #[test]
    fn full_references_are_read() {
        for text in ["r.test/a:1", "r.test:5000/a/b:1", "r.test/a@sha256:00", "[::1]:5000/a:1@sha256:00"] {
            assert_eq!(reference(text).expect(text).to_string(), text);
        }
        for text in ["alpine", "r.test/a", ""] {
            assert!(reference(text).is_err(), "{text}");
        }
    }

    #[test]
    fn codes_stand_in_the_order_of_the_contract() {
        for (index, (_, code)) in CODES.iter().enumerate() {
            assert_eq!(*code as usize, index);
        }
    }
}
