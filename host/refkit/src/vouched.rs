//! The end of the chain where a transport resolves by itself, and may not show an image's documents: its word stands in
//! for them, and the default policy decides by those that can be read where a policy looks at the answer.

use std::sync::Arc;

use bytes::Bytes;
use refkit_content::{Vouch, verify};
use refkit_oci::document::{media_type, read_config};
use refkit_oci::{Algorithm, Descriptor, Platform, Repository};
use refkit_sandbox::{Absence, Decision, ErrorCode, Failure, Image, Parts, Request, Resolved, Selection, Usage};

use crate::answers::{exhausted, failure};
use crate::ledger::Name;
use crate::resolver::Link;
use crate::session::{Run, Step};

/// What is said of a root that nobody has seen.
pub(crate) const UNSEEN: &str = "application/octet-stream";

impl Run {
    /// Takes the transport's word where no policy that may read documents looks at the answer: it decides as the default
    /// policy does, and nothing has to be read. Where one does, runs the last policy of the chain without the configs,
    /// and takes only those.
    pub(crate) async fn vouched(
        self: &Arc<Self>,
        vouch: &dyn Vouch,
        (link, index, span): (&Link, usize, usize),
        request: &Request,
        seen: bool,
    ) -> (Result<Step, Failure>, Usage) {
        if !seen && request.parts.configs && !request.parts.attestations && own(vouch, request) {
            return (self.unseen(vouch, span, request).await, Usage::default());
        }
        let parts = Parts { images: request.parts.any(), configs: false, ..request.parts };
        let shown = Request { parts, ..request.clone() };
        let (step, usage) = self.run(link, index, span, &shown, seen).await;
        let step = match step {
            Ok(Step::Decided(Decision::Resolved(resolved), told)) if request.parts.configs => {
                Ok(Step::Decided(Decision::Resolved(self.configure(vouch, span, resolved).await), told))
            }
            Err(failed) if failed.code == ErrorCode::Unsupported && own(vouch, request) => {
                self.unseen(vouch, span, request).await
            }
            other => other,
        };
        (step, usage)
    }

    /// Adds the configs of images whose manifests are known by their digests.
    async fn configure(
        self: &Arc<Self>,
        vouch: &dyn Vouch,
        span: usize,
        mut resolved: Resolved<Descriptor>,
    ) -> Resolved<Descriptor> {
        let reference = resolved.reference.clone();
        for place in &mut resolved.images {
            let Ok(image) = place else { continue };
            let manifest = reference.with_digest(image.manifest.digest.clone());
            let result = self.answers.vouched(Some(span), vouch, &manifest).await.map_err(failure);
            let config = result.and_then(|vouched| vouched.config.ok_or_else(|| no_config(&manifest.to_string())));
            match config {
                Ok(config) => {
                    let known = match self.config(reference.repository(), &image.manifest, &config) {
                        Ok(known) => known,
                        Err(failed) => {
                            *place = Err(Absence::Failed(failed));
                            continue;
                        }
                    };
                    let (descriptor, platform) = known;
                    image.config = Some(descriptor);
                    image.platform = image.platform.take().or(platform);
                }
                Err(failed) => *place = Err(Absence::Failed(failed)),
            }
        }
        resolved
    }

    /// Returns what the transport takes by itself, where it shows neither index nor manifest: the root stands for its
    /// image.
    async fn unseen(self: &Arc<Self>, vouch: &dyn Vouch, span: usize, request: &Request) -> Result<Step, Failure> {
        let places = match &request.selection {
            Selection::Platforms(platforms) => platforms.len(),
            Selection::All => 0,
        };
        let (reference, parts) = (&request.reference, request.parts);
        let vouched = self.answers.vouched(Some(span), vouch, reference).await.map_err(failure)?;
        let root = Descriptor::new(UNSEEN, vouched.root, 0);
        self.answers.ledger.root(Name::of(reference), &root).map_err(exhausted)?;
        let repository = reference.repository();
        let mut image = Image {
            platform: Some(vouch.platform()),
            parents: Vec::new(),
            manifest: root.clone(),
            config: None,
            attestations: Vec::new(),
        };
        match vouched.config.filter(|_| parts.configs) {
            Some(config) => {
                let (descriptor, platform) = self.config(repository, &root, &config)?;
                image.config = Some(descriptor);
                image.platform = platform.or(image.platform);
            }
            None if parts.configs => return Err(no_config(&reference.to_string())),
            None => self.answers.ledger.vouch(repository, &root, None).map_err(exhausted)?,
        }
        let images = if parts.any() { vec![Ok(image); places] } else { Vec::new() };
        Ok(Step::Decided(Decision::Resolved(Resolved { reference: reference.clone(), root, images }), Vec::new()))
    }

    /// Records a config, and returns its descriptor and the platform that it says.
    fn config(
        &self,
        repository: &Repository,
        manifest: &Descriptor,
        config: &Bytes,
    ) -> Result<(Descriptor, Option<Platform>), Failure> {
        let docker = manifest.media_type == media_type::DOCKER_MANIFEST;
        let kind = if docker { media_type::DOCKER_CONFIG } else { media_type::CONFIG };
        let digest = verify::digest(Algorithm::Sha256, config);
        let descriptor = Descriptor::new(kind, digest, config.len() as u64);
        self.answers.ledger.vouch(repository, manifest, Some((&descriptor, config))).map_err(exhausted)?;
        let platform = read_config(config).ok().and_then(|config| config.platform()).map(Platform::normalized);
        Ok((descriptor, platform))
    }
}

/// Returns whether a transport's word answers a request: it is for one platform only.
fn own(vouch: &dyn Vouch, request: &Request) -> bool {
    let own = vouch.platform();
    match &request.selection {
        Selection::Platforms(platforms) => platforms.iter().all(|platform| *platform == own),
        Selection::All => !request.parts.any(),
    }
}

fn no_config(reference: &str) -> Failure {
    Failure {
        code: ErrorCode::NotFound,
        message: format!("{reference} has no image for the platform that is built for"),
    }
}
