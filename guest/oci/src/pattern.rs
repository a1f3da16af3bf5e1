//! Patterns of references, for grants and allow-lists: `docker.io/library/*:3.*`.
//!
//! A pattern is `NAME[:TAG][@DIGEST]`, and has the same normal form as a reference:
//!
//! | written | means |
//! |---|---|
//! | `*`, `**` | every repository of every registry |
//! | `alpine`, `alp*` | `docker.io/library/alpine`, `docker.io/library/alp*` |
//! | `docker.io/*` | `docker.io/library/*`, as `docker.io/alpine` is `docker.io/library/alpine` |
//! | `team/*` | `docker.io/team/*` |
//! | `*.example.com/app`, `localhost:*/app` | this path in all these registries |
//! | `*/app` | the path `app` in every registry |
//! | `ghcr.io/team/**` | `ghcr.io/team` and everything below it |
//! | `**/app` | everything whose last component is `app` |
//! | `GHCR.io:443/*`, `index.docker.io/*` | `ghcr.io/*`, `docker.io/library/*`: the registry is normalised |
//!
//! - `*` stands for any characters, or none, within one component. It may stand in registry, path and tag.
//! - `**` stands alone between slashes, for any number of components, or none; in first place for the registry too.
//! - The first of several components is the registry where it has a dot, a colon or an upper-case letter, is
//!   `localhost`, or is nothing but `*` or `**`. A first component such as `team*`, which could be either, is an error.
//! - Without a tag part every tag and digest matches. With one, the reference has to have such a tag, and no digest
//!   besides: where both are there the digest decides, and nothing has checked that the tag ever was there.
//! - With a digest part the reference has to have this digest; with both parts, both.
//! - References leave out the port 443, and so do patterns: `*.example.com:*` is about every other port.
//! - Letters of a tag match in their own case only; registries are in lower case.

use std::fmt;
use std::str::FromStr;

use crate::quoted::{Quoted, first};

use crate::reference::grammar::{is_component, is_tag, names_registry};
use crate::reference::{DEFAULT_REGISTRY, OFFICIAL, normal_registry};
use crate::{Digest, Reference, Repository};

/// The longest pattern, in bytes: more than the longest registry, path, tag and digest together.
const MAX_PATTERN: usize = 1024;

/// The wildcard for any number of components.
const ANY: &str = "**";

/// A checked and normalised pattern of references.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    /// Registry and path, or one or both replaced by `**`.
    name: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// The error for a text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a reference pattern: {reason}", Quoted(.text))]
pub struct PatternError {
    /// The text, at most its first 160 characters.
    pub text: String,
    /// The reason.
    pub reason: &'static str,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// An error if no reference could match it, or if it is ambiguous.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        normalize(text).map_err(|reason| PatternError { text: first(text, 160).to_owned(), reason })
    }

    /// Returns the patterns of a list, separated by commas; blanks around them and empty items do not count.
    ///
    /// # Errors
    /// An error if one of them is malformed.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, PatternError> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Self::parse).collect()
    }

    /// Returns whether the pattern matches a reference.
    pub fn matches(&self, reference: &Reference) -> bool {
        let tag = match &self.tag {
            None => true,
            Some(pattern) => {
                let decides = self.digest.is_some() || reference.digest().is_none();
                decides && reference.tag().is_some_and(|tag| glob(pattern, tag))
            }
        };
        let digest = self.digest.is_none() || self.digest.as_ref() == reference.digest();
        tag && digest && self.matches_name(reference.repository())
    }

    /// Returns whether the pattern matches every reference of a repository: never for one with a tag or a digest.
    pub fn matches_repository(&self, repository: &Repository) -> bool {
        self.tag.is_none() && self.digest.is_none() && self.matches_name(repository)
    }

    /// Returns whether the name part means a repository, whatever tag and digest the pattern has.
    pub fn matches_name(&self, repository: &Repository) -> bool {
        let pattern: Vec<&str> = self.name.split('/').collect();
        let name: Vec<&str> = std::iter::once(repository.registry()).chain(repository.path().split('/')).collect();
        matches(&pattern, &name, |component| *component == ANY, |pattern, text| glob(pattern, text))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            f.write_str(":")?;
            f.write_str(tag)?;
        }
        if let Some(digest) = &self.digest {
            f.write_str("@")?;
            f.write_str(digest.as_str())?;
        }
        Ok(())
    }
}

fn normalize(text: &str) -> Result<Pattern, &'static str> {
    if text.len() > MAX_PATTERN {
        return Err("it has more than 1024 bytes");
    }
    let (rest, digest) = match text.split_once('@') {
        None => (text, None),
        Some((rest, digest)) => (rest, Some(digest.parse::<Digest>().map_err(|error| error.reason)?)),
    };
    // A colon before the last slash is a port, not a tag.
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[last..].find(':') {
        None => (rest, None),
        Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..])),
    };
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    Ok(Pattern { name: normalize_name(name)?, tag: tag.map(str::to_owned), digest })
}

/// The registry of images in layouts.
const LAYOUTS: &str = "oci-layout";

/// Completes the registry and `library/`, and checks all components.
fn normalize_name(name: &str) -> Result<String, &'static str> {
    let (registry, path) = match name.split_once('/') {
        _ if name.is_empty() => return Err("there is no repository name"),
        None if name == "*" || name == ANY => return Ok(ANY.to_owned()),
        // Layouts have this name for policies, which is no name of a host.
        Some((LAYOUTS, path)) => (LAYOUTS, path),
        Some((first, path)) if first == "*" || first == ANY || names_registry(first) => (first, path),
        Some((first, _)) if first.contains('*') => {
            return Err("its first component may be a registry or a path; write docker.io/ before it, \
                or more of the registry, with a dot or a colon");
        }
        _ => (DEFAULT_REGISTRY, name),
    };
    let registry = normal_pattern(registry)?;
    path.split('/').try_for_each(check_component)?;
    let official = registry == DEFAULT_REGISTRY && !path.contains('/') && path != ANY;
    Ok([registry.as_str(), "/", if official { OFFICIAL } else { "" }, path].concat())
}

/// Returns a registry, or a pattern of registries, in the normal spelling.
fn normal_pattern(registry: &str) -> Result<String, &'static str> {
    if registry == ANY || !registry.contains('*') {
        return if registry == ANY { Ok(ANY.to_owned()) } else { normal_registry(registry) };
    }
    check_stars(registry)?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'*');
    if !registry.bytes().all(known) {
        return Err("the registry is not host[:port]");
    }
    let lower = registry.to_ascii_lowercase();
    match lower.strip_suffix(":443") {
        None => Ok(lower),
        Some(host) if host.contains('.') && !host.starts_with("127.") => Ok(host.to_owned()),
        Some(_) => Err("references leave out the port 443: write the pattern without it"),
    }
}

fn check_component(component: &str) -> Result<(), &'static str> {
    if component == ANY {
        return Ok(());
    }
    check_stars(component)?;
    if component.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a repository path has no upper-case letters");
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'*');
    let starred = component.contains('*') && component.bytes().all(known);
    if starred || is_component(component) { Ok(()) } else { Err("the repository path is malformed") }
}

fn check_tag(tag: &str) -> Result<(), &'static str> {
    check_stars(tag)?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'*');
    let starred = tag.contains('*') && tag.bytes().all(known);
    if starred || is_tag(tag) { Ok(()) } else { Err("the tag is malformed") }
}

fn check_stars(part: &str) -> Result<(), &'static str> {
    if part.contains(ANY) { Err("** stands alone between slashes only") } else { Ok(()) }
}

/// Returns whether a text without slashes matches a pattern in which `*` stands for any characters.
fn glob(pattern: &str, text: &str) -> bool {
    matches(pattern.as_bytes(), text.as_bytes(), |byte| *byte == b'*', |pattern, byte| pattern == byte)
}

/// Matches a sequence against a pattern with wildcards for any number of items. It retries only the latest wildcard,
/// so the number of comparisons is at most the product of the two lengths: linear for a given pattern.
fn matches<T>(pattern: &[T], items: &[T], wildcard: impl Fn(&T) -> bool, equal: impl Fn(&T, &T) -> bool) -> bool {
    let (mut at, mut item) = (0, 0);
    // The position in the pattern after the latest wildcard, and the first item after those that the wildcard matches.
    let mut latest: Option<(usize, usize)> = None;
    while item < items.len() {
        match (pattern.get(at), &mut latest) {
            (Some(part), _) if wildcard(part) => {
                at += 1;
                latest = Some((at, item));
            }
            (Some(part), _) if equal(part, &items[item]) => {
                at += 1;
                item += 1;
            }
            (_, Some((after, start))) => {
                *start += 1;
                (at, item) = (*after, *start);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(wildcard)
}
