//! The policy at the end of every chain: it resolves as BuildKit does, for either selection and all parts of the
//! contract.
//!
//! - `documents` reads manifests and indexes strictly, each once.
//! - `select` selects the image that suits a platform best, `walk` lists all images.
//! - `config` reads configs and platforms from manifests, `attest` finds attestations.
//!
//! Descriptors of this policy have media type, digest and size alone. The host reads only the digest and uses its own
//! record, so copying annotations and platforms would be useless.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod attest;
mod config;
mod digests;
mod documents;
mod select;
mod walk;

use documents::Documents;
use refkit_policy::oci::document::Document;
use refkit_policy::{
    Absence, Description, Descriptor, Error, Host, Image, Outcome, Parts, Policy, Request, Resolved, Selection,
};

/// How far below the root an index may be. Images with one nested index exist; no known image has two.
pub const MAX_DEPTH: usize = 8;

/// How many images one outcome may have: about as many as a host accepts (1 MiB), far more than any published index
/// lists, and a limit for indexes that list the same index any number of times.
pub const MAX_IMAGES: usize = 1024;

/// One item of the outcome.
type Place = Result<Image, Absence>;

/// The default policy.
pub struct Default;

impl Policy for Default {
    fn about() -> Description {
        Description::new("default", env!("CARGO_PKG_VERSION"), "Resolves as BuildKit does")
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        let Request { reference, selection, parts } = request;
        if parts.is_empty() {
            let root = host.resolve(&reference)?;
            return Ok(Outcome::Resolved(Resolved { reference, root, images: Vec::new() }));
        }
        let content = host.pull(&reference)?;
        let (root, bytes) = (content.descriptor, content.bytes);
        let mut documents = Documents::new(host, &reference, &root, &bytes)?;
        let configs = parts.contains(Parts::CONFIGS);
        let is_manifest = matches!(documents.root, Document::Manifest(_));
        let mut images = match selection {
            selection if is_manifest => manifest(&mut documents, &root, &selection, configs),
            Selection::Platforms(wanted) => select::select(&mut documents, wanted, configs),
            Selection::All => {
                let mut images = walk::walk(&mut documents)?;
                if configs {
                    config::configure(&mut documents, &mut images, |_| true);
                }
                images
            }
        };
        if parts.contains(Parts::ATTESTATIONS) {
            attest::attest(&mut documents, &mut images)?;
        }
        Ok(Outcome::Resolved(Resolved { reference, root, images }))
    }
}

refkit_policy::export!(Default);

/// A root that is a manifest is the image for every platform, unchecked.
fn manifest(
    documents: &mut Documents<'_, impl Host>,
    root: &Descriptor,
    selection: &Selection,
    configs: bool,
) -> Vec<Place> {
    let manifest = documents::bare(&root.media_type, &root.digest, root.size);
    let image = Image { platform: None, parents: Vec::new(), manifest, config: None, attestations: Vec::new() };
    let mut places = vec![Ok(image)];
    if configs {
        config::configure(documents, &mut places, |_| true);
    }
    if let Selection::Platforms(wanted) = selection {
        let place = places.remove(0);
        places = wanted.iter().map(|_| place.clone()).collect();
    }
    places
}
