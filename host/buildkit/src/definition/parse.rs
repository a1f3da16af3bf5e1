//! Identifiers of sources, as BuildKit's sources parse them (`source/manager.go`).

use std::collections::BTreeMap;

use refkit_oci::Reference;

use super::{Blob, GIT_BUNDLE, OCI_SESSION, OCI_STORE, SourceKind, Store};

/// The schemes of `source/types/types.go`.
pub(crate) const IMAGE: &str = "docker-image";
pub(crate) const IMAGE_BLOB: &str = "docker-image+blob";
pub(crate) const LAYOUT: &str = "oci-layout";
pub(crate) const LAYOUT_BLOB: &str = "oci-layout+blob";

type Attrs = BTreeMap<String, String>;

/// Returns what a source with this identifier and these attributes reads.
pub(crate) fn kind(identifier: &str, attrs: &Attrs) -> Result<SourceKind, String> {
    let (scheme, rest) = identifier.split_once("://").ok_or("it has no scheme")?;
    Ok(match scheme {
        IMAGE => SourceKind::Image(reference(rest)?),
        LAYOUT => SourceKind::Layout { reference: pinned(rest)?, store: store(attrs) },
        IMAGE_BLOB => SourceKind::Blob(blob(rest, None)?),
        LAYOUT_BLOB => SourceKind::Blob(blob(rest, Some(store(attrs)))?),
        "git" => SourceKind::Git { bundle: bundle(attrs)? },
        "http" | "https" => SourceKind::Http,
        "local" => SourceKind::Local,
        other => SourceKind::Unknown(other.to_owned()),
    })
}

fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| error.to_string())
}

fn pinned(text: &str) -> Result<Reference, String> {
    let reference = reference(text)?;
    match reference.digest() {
        Some(_) => Ok(reference),
        None => Err("it has no digest".to_owned()),
    }
}

fn blob(text: &str, layout: Option<Store>) -> Result<Blob, String> {
    let reference = reference(text)?;
    let digest = reference.digest().cloned().ok_or("it has no digest")?;
    Ok(Blob { repository: reference.repository().clone(), digest, layout })
}

fn store(attrs: &Attrs) -> Store {
    let attr = |name| attrs.get(name).cloned().unwrap_or_default();
    Store { id: attr(OCI_STORE), session: attr(OCI_SESSION) }
}

/// Returns the content that a git source is read from. As in BuildKit, an empty attribute counts as missing, and the name
/// of the layout defaults to the text before the digest.
fn bundle(attrs: &Attrs) -> Result<Option<Blob>, String> {
    let Some(locator) = attrs.get(GIT_BUNDLE).filter(|locator| !locator.is_empty()) else { return Ok(None) };
    let named = |reason: String| format!("its {GIT_BUNDLE}: {reason}");
    let (scheme, rest) = locator.split_once("://").ok_or_else(|| named("it has no scheme".to_owned()))?;
    let layout = match scheme {
        IMAGE_BLOB => None,
        LAYOUT_BLOB => {
            let name = rest.split_once('@').map_or(rest, |(name, _)| name);
            Some(store(attrs))
                .map(|store| if store.id.is_empty() { Store { id: name.to_owned(), ..store } } else { store })
        }
        _ => return Err(named("it is neither docker-image+blob nor oci-layout+blob".to_owned())),
    };
    blob(rest, layout).map(Some).map_err(named)
}
