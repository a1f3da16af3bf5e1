//! A policy that a build brings: an OCI artifact, pinned by its digest and read by way of BuildKit.
//!
//! The format is the CNCF's for WebAssembly: an image manifest whose only layer is the component. BuildKit asks for an
//! OCI manifest without naming its media type, and many registries do not show it then; the component itself can be had
//! from all of them, by `docker-image+blob://` and its own digest.

use bytes::Bytes;
use refkit::EngineOptions;
use refkit_buildkit::BuildkitSource;
use refkit_buildkit::definition::Store;
use refkit_content::{Error, ErrorKind, Operation, Resolve as _};
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Reference, Repository};

use crate::environment::Environment;
use crate::rules::image::ImageName;

/// What a component by itself is named by.
const BLOB: &str = "docker-image+blob://";

/// The media types of a component.
const COMPONENT: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// Returns the component that `docker-image://REPOSITORY@DIGEST` or `oci-layout://NAME@DIGEST` names, or that
/// `docker-image+blob://REPOSITORY@DIGEST` is.
///
/// # Errors
/// When it is named by a tag alone, is no such artifact, or cannot be read.
pub async fn fetch(source: &BuildkitSource, name: &str, environment: &Environment) -> Result<Bytes, Error> {
    let malformed = |what: String| Error::new(Operation::Pull, name, ErrorKind::Malformed(what));
    let parsed = parse(name, environment).map_err(malformed)?;
    let reference = parsed.policy_reference().map_err(|error| malformed(error.to_string()))?;
    if let Some(store) = parsed.layout {
        source.layout(reference.repository().clone(), parsed.reference.repository().clone(), store);
    }
    // It is a manifest, which has no platform.
    let view = source.for_own_platform(&refkit::platform::of_this_machine(), "");
    let limit = EngineOptions::default().max_component;
    if let (true, Some(digest)) = (name.starts_with(BLOB), reference.digest()) {
        return view.content(reference.repository(), digest, limit).await;
    }
    let content = view.pull(&reference).await?.value;
    let document = document::read(Some(&content.descriptor.media_type), &content.bytes, &Limits::default());
    let manifest = match document {
        Ok(Document::Manifest(manifest)) => manifest,
        Ok(Document::Index(_)) => return Err(malformed("it is an index; name the manifest of the policy".to_owned())),
        Err(error) => return Err(malformed(error.to_string())),
    };
    let layer = match &manifest.layers[..] {
        [layer] if COMPONENT.contains(&layer.media_type.as_str()) => layer,
        [layer] => return Err(malformed(format!("its layer is {}, not {}", layer.media_type, COMPONENT[0]))),
        layers => return Err(malformed(format!("it has {} layers; a policy has one, {}", layers.len(), COMPONENT[0]))),
    };
    Ok(refkit_content::fetch(&view, reference.repository(), layer, limit).await?.value)
}

fn parse(name: &str, environment: &Environment) -> Result<ImageName, String> {
    let pinned = |reference: Reference| match reference.digest() {
        Some(_) => Ok(reference),
        None => Err("a policy is named by its digest: REPOSITORY@sha256:…".to_owned()),
    };
    if let Some(text) = name.strip_prefix("docker-image://").or_else(|| name.strip_prefix(BLOB)) {
        let reference = text.parse().map_err(|error: refkit_oci::reference::ReferenceError| error.to_string())?;
        return Ok(ImageName { reference: pinned(reference)?, layout: None });
    }
    if let Some(text) = name.strip_prefix("oci-layout://") {
        // What stands before the digest is what the client calls the layout, not the name of an image.
        let (id, digest) = text.rsplit_once('@').ok_or("a policy in a layout is named by its digest: NAME@sha256:…")?;
        let digest = digest.parse().map_err(|error: refkit_oci::digest::DigestError| error.to_string())?;
        let repository = Repository::parse("refkit-policy").map_err(|error| error.to_string())?;
        let reference = Reference::new(repository, None, Some(digest)).map_err(|error| error.to_string())?;
        let store = Store { id: id.to_owned(), session: environment.session.clone() };
        return Ok(ImageName { reference, layout: Some(store) });
    }
    Err("it is written docker-image://REPOSITORY@sha256:…, oci-layout://NAME@sha256:…, or, for the component itself, \
         docker-image+blob://REPOSITORY@sha256:…"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn a_policy_is_named_by_its_digest() {
        let environment = Environment { session: "s".to_owned(), ..Environment::default() };
        // name, identifier or what the error says
        let rows = [
            (format!("docker-image://a/b@{DIGEST}"), Ok(format!("docker-image://docker.io/a/b@{DIGEST}"))),
            (format!("docker-image://h.io/b:1@{DIGEST}"), Ok(format!("docker-image://h.io/b:1@{DIGEST}"))),
            (
                format!("oci-layout://x/y@{DIGEST}"),
                Ok(format!("oci-layout://docker.io/library/refkit-policy@{DIGEST}")),
            ),
            ("docker-image://a/b:1".to_owned(), Err("by its digest")),
            ("docker-image://a/B".to_owned(), Err("is not an image reference")),
            ("oci-layout://x".to_owned(), Err("by its digest")),
            ("oci-layout://x@sha256:0".to_owned(), Err("digest")),
            ("local://x".to_owned(), Err("it is written docker-image://")),
            ("a/b".to_owned(), Err("it is written docker-image://")),
        ];
        for (name, wanted) in rows {
            match (parse(&name, &environment), wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(found.identifier(), wanted),
                (Err(error), Err(wanted)) => assert!(error.contains(wanted), "{name}: {error}"),
                (found, wanted) => panic!("{name}: {found:?}, not {wanted:?}"),
            }
        }
        let layout = parse(&format!("oci-layout://x/y@{DIGEST}"), &environment).unwrap().layout;
        assert_eq!(layout, Some(Store { id: "x/y".into(), session: "s".into() }));
    }
}
