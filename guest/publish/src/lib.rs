//! The policy at the end of every publishing chain: it composes and copies as `docker buildx imagetools create` does.
//!
//! - [`compose`] has the rules, without I/O.
//! - `sources` resolves the sources by the resolution policies of the run, and reads them.
//! - `destinations` copies what the result refers to, to every destination, and moves the tags last.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

pub mod compose;
mod destinations;
mod request;
mod sources;

use std::collections::HashMap;

use refkit_publishing::{Description, Error, ErrorCode, Publication, Published, Publisher, PublishingHost};

use compose::{ATTESTATION, Compose, Composed, Source};
use sources::Found;

/// The default publisher.
pub struct Publish;

impl Publisher for Publish {
    fn about() -> Description {
        Description::new("publish", env!("CARGO_PKG_VERSION"), "Composes and copies as docker buildx imagetools does")
            .optional("oci", "true writes an OCI index where the result would be a Docker manifest list", Some("false"))
            .optional(
                "referrers",
                "artifact types, separated by commas, of the referrers that come along with those that buildx copies; * \
                 brings all, also of an index that stays as it is",
                None,
            )
            .optional("sparse", "true keeps the bytes of one index, and copies only what the platforms choose", Some("false"))
            .optional("unwrap", "true publishes the one manifest that is left without an index around it", Some("false"))
    }

    fn publish(host: &impl PublishingHost, request: Publication) -> Result<Published, Error> {
        let compose = request::compose(host, &request)?;
        if request.destinations.is_empty() {
            return Err(Error::invalid("the publication names no destination"));
        }
        let keeps = request::keeps(host, &request)?;
        let found = match sources::read(host, &request.sources, keeps)? {
            Ok(found) => found,
            Err(denials) => return Ok(Published::Denied(denials)),
        };
        let composed = match &found[..] {
            [one] if keeps.source(&one.source) => one.source.clone().exact(),
            _ => composed(host, &compose, &found, !request.platforms.is_empty())?,
        };
        let denials = sources::refused(&found, &composed);
        if !denials.is_empty() {
            return Ok(Published::Denied(denials));
        }
        let root = destinations::push(host, &request.destinations, &found, &composed)?;
        Ok(Published::Published(root))
    }
}

/// Composes the sources, with the attestations that their registries list, and the manifests that are written anew.
fn composed(host: &impl PublishingHost, compose: &Compose, found: &[Found], filters: bool) -> Result<Composed, Error> {
    let mut sources = Vec::with_capacity(found.len());
    for one in found {
        sources.push(if filters { opened(host, one)? } else { one.source.clone() });
    }
    let plan = compose.plan(sources).map_err(Error::invalid)?;
    let mut referrers = HashMap::new();
    for ask in plan.asks() {
        let Some(one) = found.get(ask.source) else { continue };
        let listed = host.referrers(&one.reference, ask.subject.as_str(), Some(ATTESTATION))?;
        let listed = listed.into_iter().map(request::descriptor).collect::<Result<Vec<_>, _>>()?;
        referrers.insert(ask.subject.clone(), listed);
    }
    let mut manifests = HashMap::new();
    for one in plan.manifests() {
        let Some(of) = found.get(one.source) else { continue };
        let bytes = host.fetch(&of.reference, one.descriptor.digest.as_str())?;
        manifests.insert(one.descriptor.digest.clone(), bytes.into());
    }
    plan.finish(&referrers, &manifests).map_err(Error::invalid)
}

/// Returns a source with the entries of the indexes in it that state no platform.
fn opened(host: &impl PublishingHost, found: &Found) -> Result<Source, Error> {
    let mut source = found.source.clone();
    while let Some(nested) = source.nested().cloned() {
        source = match host.fetch(&found.reference, nested.digest.as_str()) {
            Ok(bytes) => source.with_nested(&nested, &bytes.into()).map_err(Error::invalid)?,
            // The destination of a sparse copy lacks the manifests that the copy left out.
            Err(Error { code: ErrorCode::NotFound, .. }) => source.without_nested(&nested),
            Err(error) => return Err(error),
        };
    }
    Ok(source)
}

refkit_publishing::export!(Publish);
