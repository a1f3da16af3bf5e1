//! Image references, with the grammar and the defaults of distribution/reference.

use std::fmt;
use std::str::FromStr;

use crate::quoted::{Quoted, first};

pub(crate) mod grammar;
mod ipv6;
mod registry;

use crate::Digest;
use grammar::{is_component, is_image_id, is_tag, names_registry};
pub(crate) use registry::DEFAULT_REGISTRY;
pub use registry::{normal_host, normal_registry};

/// The path prefix of official images of the default registry.
pub(crate) const OFFICIAL: &str = "library/";

/// The tag of a reference that has neither tag nor digest.
const DEFAULT_TAG: &str = "latest";

/// The longest repository path, in bytes.
const MAX_PATH: usize = 255;

/// A repository: a registry and a path in it, normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    registry: String,
    path: String,
}

/// The error for a text, or for parts, that are no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not an image reference: {reason}", Quoted(.text))]
pub struct ReferenceError {
    /// The text, at most its first 160 characters.
    pub text: String,
    /// The reason.
    pub reason: &'static str,
}

impl ReferenceError {
    fn new(text: &str, reason: &'static str) -> Self {
        Self { text: first(text, 160).to_owned(), reason }
    }
}

impl Repository {
    /// Returns a repository from its two parts, checked and normalised: `index.docker.io` and `alpine` become
    /// `docker.io` and `library/alpine`, and `GHCR.io:443` becomes `ghcr.io`, so that a rule about one name applies to
    /// all; see [`normal_registry`].
    ///
    /// # Errors
    /// An error if the registry is not `host[:port]` or the path is not a repository path of at most 255 bytes.
    pub fn new(registry: impl AsRef<str>, path: impl AsRef<str>) -> Result<Self, ReferenceError> {
        let (registry, path) = (registry.as_ref(), path.as_ref());
        assemble(registry, path).map_err(|reason| ReferenceError::new(&format!("{registry}/{path}"), reason))
    }

    /// Parses the name of a repository, without tag and digest.
    ///
    /// # Errors
    /// An error if the name is malformed, or has a tag or a digest.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (name, tag, digest) = split(text)?;
        if tag.is_some() || digest.is_some() {
            return Err(ReferenceError::new(text, "a repository has neither tag nor digest"));
        }
        normalize(text, name)
    }

    /// Returns `host[:port]`, or the name of another kind of store.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the path in the registry, such as `library/alpine`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the short form that people write: `alpine`, `user/app`, `ghcr.io/user/app`. It returns the long form if
    /// the short one would be ambiguous, as for `docker.io/localhost/app`.
    pub fn familiar(&self) -> String {
        let short = match self.path.strip_prefix(OFFICIAL) {
            _ if self.registry != DEFAULT_REGISTRY => return self.to_string(),
            Some(name) if !name.contains('/') => name,
            _ => &self.path,
        };
        let first = short.split_once('/').map(|(first, _)| first);
        if first.is_some_and(names_registry) || is_image_id(short) { self.to_string() } else { short.to_owned() }
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        f.write_str("/")?;
        f.write_str(&self.path)
    }
}

/// A normalised image reference, with a tag, a digest or both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    repository: Repository,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Returns a reference from its parts, checked.
    ///
    /// # Errors
    /// An error if there is neither tag nor digest, or the tag is malformed.
    pub fn new(repository: Repository, tag: Option<String>, digest: Option<Digest>) -> Result<Self, ReferenceError> {
        match &tag {
            Some(tag) if !is_tag(tag) => return Err(ReferenceError::new(tag, "the tag is malformed")),
            None if digest.is_none() => {
                return Err(ReferenceError::new(&repository.to_string(), "there is neither tag nor digest"));
            }
            _ => {}
        }
        Ok(Self { repository, tag, digest })
    }

    /// Parses a reference: `alpine` becomes `docker.io/library/alpine:latest`.
    ///
    /// # Errors
    /// An error if the text is malformed.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (name, tag, digest) = split(text)?;
        let repository = normalize(text, name)?;
        let tag = match (tag, &digest) {
            (None, None) => Some(DEFAULT_TAG),
            (tag, _) => tag,
        };
        Ok(Self { repository, tag: tag.map(str::to_owned), digest })
    }

    /// Returns the repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Returns the tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest, which decides if both are present.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns the reference to a digest in a repository, without a tag.
    pub fn to_digest(repository: Repository, digest: Digest) -> Self {
        Self { repository, tag: None, digest: Some(digest) }
    }

    /// Returns the same reference with a digest, which then decides.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// Returns the same repository with a tag and no digest.
    ///
    /// # Errors
    /// An error if the tag is malformed.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        Self::new(self.repository.clone(), Some(tag.to_owned()), None)
    }

    /// Returns the same reference without its digest.
    ///
    /// # Errors
    /// An error if there is no tag.
    pub fn without_digest(&self) -> Result<Self, ReferenceError> {
        Self::new(self.repository.clone(), self.tag.clone(), None)
    }

    /// Returns the short form that people write, with tag and digest.
    pub fn familiar(&self) -> String {
        let mut text = self.repository.familiar();
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest.as_str());
        }
        text
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
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

/// Splits a text into name, tag and digest; it checks the latter two.
fn split(text: &str) -> Result<(&str, Option<&str>, Option<Digest>), ReferenceError> {
    let (rest, digest) = match text.split_once('@') {
        None => (text, None),
        Some((rest, digest)) => match Digest::from_str(digest) {
            Ok(digest) => (rest, Some(digest)),
            Err(error) => return Err(ReferenceError::new(text, error.reason)),
        },
    };
    // A colon before the last slash is a port, not a tag.
    let name_end = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[name_end..].find(':') {
        None => (rest, None),
        Some(colon) => (&rest[..name_end + colon], Some(&rest[name_end + colon + 1..])),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(ReferenceError::new(text, "the tag is malformed"));
    }
    Ok((name, tag, digest))
}

/// Completes the registry, and checks both parts.
fn normalize(text: &str, name: &str) -> Result<Repository, ReferenceError> {
    if name.is_empty() {
        return Err(ReferenceError::new(text, "there is no repository name"));
    }
    if is_image_id(text) {
        return Err(ReferenceError::new(text, "64 hexadecimal digits are an image's id, not a name"));
    }
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if names_registry(first) => (first, rest),
        _ => (DEFAULT_REGISTRY, name),
    };
    assemble(registry, path).map_err(|reason| ReferenceError::new(text, reason))
}

/// Completes `library/`, and checks both parts.
fn assemble(registry: &str, path: &str) -> Result<Repository, &'static str> {
    let registry = normal_registry(registry)?;
    let official = registry == DEFAULT_REGISTRY && !path.contains('/');
    let path = if official { [OFFICIAL, path].concat() } else { path.to_owned() };
    if path.len() > MAX_PATH {
        return Err("the repository path has more than 255 bytes");
    }
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("a repository path has no upper-case letters");
    }
    if !path.split('/').all(is_component) {
        return Err("the repository path is malformed");
    }
    Ok(Repository { registry, path })
}
