//! Calls the rest of the chain, and itself resolves a reference that the rest denies: images without an index, for one
//! platform.

use refkit_policy::oci::document::{self, Document, Limits};
use refkit_policy::*;

/// The policy.
pub struct Overrule;

impl Policy for Overrule {
    fn about() -> Description {
        Description::new("overrule", "0.0.0", "Resolves what the rest of the chain denies")
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        let Outcome::Denied(_) = host.next(&request)? else { return Ok(Outcome::Next(request)) };
        let Content { descriptor: root, bytes } = host.pull(&request.reference)?;
        let document = document::read(Some(&root.media_type), &bytes, &Limits::default()).map_err(Error::invalid)?;
        let Document::Manifest(manifest) = document else { return Err(Error::invalid("it is an index")) };
        let config = Descriptor {
            media_type: manifest.config.media_type,
            digest: manifest.config.digest.into_string(),
            size: manifest.config.size,
            platform: None,
            artifact_type: None,
            annotations: Vec::new(),
        };
        let config = request.parts.contains(Parts::CONFIGS).then_some(config);
        let (parents, attestations) = (Vec::new(), Vec::new());
        let image = Image { platform: None, parents, manifest: root.clone(), config, attestations };
        Ok(Outcome::Resolved(Resolved { reference: request.reference, root, images: vec![Ok(image)] }))
    }
}

refkit_policy::export!(Overrule);
