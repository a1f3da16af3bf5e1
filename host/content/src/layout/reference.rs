//! References to images in a layout.

use std::path::{Path, PathBuf};

use refkit_oci::{Digest, Reference, Repository};

use super::Layout;
use super::entry::is_tag;
use crate::{Error, ErrorKind, Operation};

/// The registry part of the references to layouts that policies see.
pub const REGISTRY: &str = "oci-layout";

/// The longest repository path made of a file's name, in bytes.
const PATH_LIMIT: usize = 128;

/// A reference to an image in a layout: a path, with a tag, a digest or both.
///
/// Two notations: `oci-layout:PATH[:TAG][@DIGEST]` (also `oci-layout://PATH…`, as BuildKit writes it), and the same
/// without the prefix for a text that can only be a path: it begins with `/`, `./` or `../`, is `.` or `..`, or its
/// path ends in `.tar`.
///
/// - The text after the last `@` is a digest if it begins with the name of an algorithm and a colon.
/// - The text after the last `:` is a tag if it can be one; a tag has no `/`. So a path with a colon in its last
///   part needs a tag after it (`./a:b.tar:latest`), or a `/` at its end if it is a directory (`./a:b/`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutReference {
    /// The directory or tar archive.
    pub path: PathBuf,
    /// The name of an entry.
    pub tag: Option<String>,
    /// The digest, which decides if both are present.
    pub digest: Option<Digest>,
}

impl LayoutReference {
    /// Parses a text; returns none for a text that may be a reference to a registry instead.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] for a reference to a layout without a path or with a malformed digest.
    pub fn parse(text: &str) -> Result<Option<Self>, Error> {
        let fail = |kind: String| Error::new(Operation::Open, format_args!("{text:?}"), ErrorKind::Malformed(kind));
        let prefixed = text.strip_prefix("oci-layout:");
        let rest = prefixed.map_or(text, |rest| rest.strip_prefix("//").unwrap_or(rest));
        let (rest, digest) = match rest.rsplit_once('@') {
            Some((rest, digest)) if begins_as_digest(digest) => (rest, Some(digest)),
            _ => (rest, None),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
            _ => (rest, None),
        };
        if prefixed.is_none() && !is_path(path) {
            return Ok(None);
        }
        if path.is_empty() {
            return Err(fail("there is no path; it is written oci-layout:PATH[:TAG][@DIGEST]".to_owned()));
        }
        let digest =
            digest.map(str::parse).transpose().map_err(|e: refkit_oci::digest::DigestError| fail(e.to_string()))?;
        Ok(Some(Self { path: PathBuf::from(path), tag, digest }))
    }

    /// Returns the repository that policies and locks see: registry `oci-layout`, and the path's last part, without
    /// `.tar`, in lower case, with a `-` for each invalid character; `layout` if nothing is left.
    pub fn repository(&self) -> Repository {
        repository(&self.path)
    }

    /// Opens the layout and returns it with the reference, which is the [default](Layout::default_reference) one if
    /// there is neither tag nor digest.
    ///
    /// # Errors
    /// Any error of [`Layout::open`] or [`Layout::default_reference`].
    pub async fn open(&self) -> Result<(Layout, Reference), Error> {
        let layout = Layout::open(&self.path).await?;
        let reference = if self.tag.is_none() && self.digest.is_none() {
            layout.default_reference()?
        } else {
            Reference::new(layout.repository().clone(), self.tag.clone(), self.digest.clone()).map_err(|error| {
                Error::new(Operation::Open, self.path.display(), ErrorKind::Malformed(error.to_string()))
            })?
        };
        Ok((layout, reference))
    }
}

fn begins_as_digest(text: &str) -> bool {
    ["sha256:", "sha384:", "sha512:"].iter().any(|start| text.starts_with(start)) && !text.contains('/')
}

fn is_path(text: &str) -> bool {
    text == "."
        || text == ".."
        || ["/", "./", "../"].iter().any(|start| text.starts_with(start))
        || text.ends_with(".tar")
}

/// Returns the repository of a layout at a path.
pub(super) fn repository(path: &Path) -> Repository {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".tar").unwrap_or(&name);
    let mut clean = String::new();
    let mut separator = String::new();
    for character in name.chars() {
        if !character.is_ascii_lowercase() && !character.is_ascii_digit() {
            separator.push(character);
            continue;
        }
        if clean.len() + separator.len() >= PATH_LIMIT {
            break;
        }
        if !clean.is_empty() && !separator.is_empty() {
            clean.push_str(if is_separator(&separator) { &separator } else { "-" });
        }
        separator.clear();
        clean.push(character);
    }
    let path = if clean.is_empty() { "layout" } else { &clean };
    Repository::new(REGISTRY, path).expect("it was brought into the grammar")
}

fn is_separator(text: &str) -> bool {
    matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}
