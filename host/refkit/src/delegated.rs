//! The end of the chain over a delegate, a transport that resolves by itself and may not show an image's documents. Where
//! a policy may look at the answer, the default policy decides by the documents that can be read; the delegate answers
//! for the rest.

use std::sync::Arc;

use bytes::Bytes;
use refkit_content::verify;
use refkit_contract::{Absence, Decision, ErrorCode, Failure, Image, Parts, Request, Resolved, Selection, Step};
use refkit_oci::document::{media_type, read_config};
use refkit_oci::{Algorithm, Descriptor, Platform, Repository};
use refkit_sandbox::Usage;

use crate::Delegate;
use crate::answers::exhausted;
use crate::ledger::Name;
use crate::run::{Run, Stepped, Turn};

/// The media type of a root that only a delegate answered for.
pub(crate) const UNSEEN: &str = "application/octet-stream";

impl Run {
    /// Returns the delegate's answer where no policy that may read documents waits for it: the delegate decides as the
    /// default policy does, and the run reads nothing. Where one waits, runs the default policy without the configs, and
    /// takes only those from the delegate.
    pub(crate) async fn delegated(self: &Arc<Self>, delegate: &dyn Delegate, turn: Turn<'_>) -> Stepped {
        let Turn { span, request, .. } = turn;
        if !turn.seen && request.parts.configs && !request.parts.attestations && answers(delegate, request) {
            return (self.unseen(delegate, span, request).await.map(|step| (step, Vec::new())), Usage::default());
        }
        let parts = Parts { images: request.parts.any(), configs: false, ..request.parts };
        let shown = request.clone().with(parts);
        let (step, usage) = self.run(Turn { request: &shown, ..turn }).await;
        let step = match step {
            Ok((Step::Decided(Decision::Resolved(resolved)), heard)) if request.parts.configs => {
                let resolved = self.configure(delegate, span, resolved).await;
                Ok((Step::Decided(Decision::Resolved(resolved)), heard))
            }
            Err(failed) if failed.code == ErrorCode::Unsupported && answers(delegate, request) => {
                self.unseen(delegate, span, request).await.map(|step| (step, Vec::new()))
            }
            other => other,
        };
        (step, usage)
    }

    /// Adds the configs of images whose manifests are known by their digests.
    async fn configure(
        self: &Arc<Self>,
        delegate: &dyn Delegate,
        span: usize,
        mut resolved: Resolved<Descriptor>,
    ) -> Resolved<Descriptor> {
        let reference = resolved.reference.clone();
        for place in &mut resolved.images {
            let Ok(image) = place else { continue };
            let manifest = reference.with_digest(image.manifest.digest.clone());
            let result = self.answers.delegated(Some(span), delegate, &manifest).await.map_err(Failure::from);
            let config = result.and_then(|delegated| delegated.config.ok_or_else(|| no_config(&manifest.to_string())));
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

    /// Returns the delegate's own choice, where it shows neither index nor manifest: the root stands for its image.
    async fn unseen(
        self: &Arc<Self>,
        delegate: &dyn Delegate,
        span: usize,
        request: &Request,
    ) -> Result<Step<Descriptor>, Failure> {
        let places = match &request.selection {
            Selection::Platforms(platforms) => platforms.len(),
            Selection::All => 0,
        };
        let (reference, parts) = (&request.reference, request.parts);
        let delegated = self.answers.delegated(Some(span), delegate, reference).await.map_err(Failure::from)?;
        let root = Descriptor::new(UNSEEN, delegated.root, 0);
        self.answers.ledger.root(Name::of(reference), &root).map_err(exhausted)?;
        let repository = reference.repository();
        let mut image = Image {
            platform: Some(delegate.platform()),
            parents: Vec::new(),
            manifest: root.clone(),
            config: None,
            attestations: Vec::new(),
        };
        match delegated.config.filter(|_| parts.configs) {
            Some(config) => {
                let (descriptor, platform) = self.config(repository, &root, &config)?;
                image.config = Some(descriptor);
                image.platform = platform.or(image.platform);
            }
            None if parts.configs => return Err(no_config(&reference.to_string())),
            None => self.answers.ledger.delegated(repository, &root, None).map_err(exhausted)?,
        }
        let images = if parts.any() { vec![Ok(image); places] } else { Vec::new() };
        Ok(Step::Decided(Decision::Resolved(Resolved { reference: reference.clone(), root, images })))
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
        self.answers.ledger.delegated(repository, manifest, Some((&descriptor, config))).map_err(exhausted)?;
        let platform = read_config(config).ok().and_then(|config| config.platform()).map(Platform::normalized);
        Ok((descriptor, platform))
    }
}

/// Returns whether a delegate can answer a request: it resolves for one platform only.
fn answers(delegate: &dyn Delegate, request: &Request) -> bool {
    let own = delegate.platform();
    match &request.selection {
        Selection::Platforms(platforms) => platforms.iter().all(|platform| *platform == own),
        Selection::All => !request.parts.any(),
    }
}

fn no_config(reference: &str) -> Failure {
    Failure::new(ErrorCode::NotFound, format!("{reference} has no image for the platform that is built for"))
}
