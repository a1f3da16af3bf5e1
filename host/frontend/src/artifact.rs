//! A policy that a build brings: an artifact, pinned by its digest, that BuildKit reads.
//!
//! BuildKit requests an OCI manifest without its media type, and many registries do not return it then. All of them
//! return the component itself, by `docker-image+blob://` and its own digest.

use bytes::Bytes;
use refkit::EngineOptions;
use refkit::artifact::{self, ArtifactError};
use refkit_buildkit::BuildkitSource;
use refkit_buildkit::definition::Store;
use refkit_content::{Error, ErrorKind, Operation};
use refkit_oci::{Reference, Repository};

use crate::environment::Environment;
use crate::rules::image::ImageName;

/// The prefix of a name that names the component itself.
const BLOB: &str = "docker-image+blob://";

/// Returns the component that `docker-image://REPOSITORY@DIGEST` or `oci-layout://NAME@DIGEST` names, or that
/// `docker-image+blob://REPOSITORY@DIGEST` is.
///
/// # Errors
/// An error for a name with a tag alone, for something else than a policy, and for content that BuildKit cannot read.
pub async fn fetch(source: &BuildkitSource, name: &str, environment: &Environment) -> Result<Bytes, Error> {
    let malformed = |what: String| Error::new(Operation::Pull, name, ErrorKind::Malformed(what));
    let parsed = parse(name, environment).map_err(malformed)?;
    let reference = parsed.policy_reference().map_err(|error| malformed(error.to_string()))?;
    if let Some(store) = parsed.layout {
        source.layout(reference.repository().clone(), parsed.reference.repository().clone(), store);
    }
    // A policy has no platform.
    let view = source.for_own_platform(&refkit::platform::of_this_machine(), "");
    let limit = EngineOptions::default().max_component;
    if let (true, Some(digest)) = (name.starts_with(BLOB), reference.digest()) {
        return view.content(reference.repository(), digest, limit).await;
    }
    artifact::fetch(&view, &reference, limit).await.map_err(|error| match error {
        ArtifactError::Content(error) => error,
        error => malformed(error.to_string()),
    })
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
        let reference = Reference::to_digest(repository, digest);
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
