//! The end of the chain over a delegate, a transport that resolves by itself and may not show an image's documents. Where
//! a policy may look at the answer, the default policy decides by the documents that can be read; the delegate answers
//! for the rest.

use std::sync::Arc;

use refkit_contract::{Absence, Decision, ErrorCode, Failure, Image, Parts, Request, Resolved, Selection, Step};
use refkit_oci::document::read_config;
use refkit_oci::{Descriptor, Platform};
use refkit_sandbox::Usage;

use crate::Delegate;
use crate::run::{Run, Stepped, Turn};

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
            let config = result.and_then(|(_, config)| config.ok_or_else(|| no_config(&manifest.to_string())));
            match config {
                Ok((descriptor, bytes)) => {
                    image.config = Some(descriptor);
                    image.platform = image.platform.take().or_else(|| platform(&bytes));
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
        let asked = self.answers.delegated(Some(span), delegate, reference).await;
        let (root, config) = asked.map_err(Failure::from)?;
        let mut image = Image {
            platform: Some(delegate.platform()),
            parents: Vec::new(),
            manifest: root.clone(),
            config: None,
            attestations: Vec::new(),
        };
        match config.filter(|_| parts.configs) {
            Some((descriptor, bytes)) => {
                image.config = Some(descriptor);
                image.platform = platform(&bytes).or(image.platform);
            }
            None if parts.configs => return Err(no_config(&reference.to_string())),
            None => {}
        }
        let images = if parts.any() { vec![Ok(image); places] } else { Vec::new() };
        Ok(Step::Decided(Decision::Resolved(Resolved { reference: reference.clone(), root, images })))
    }
}

/// Returns the platform that a config says.
fn platform(config: &[u8]) -> Option<Platform> {
    read_config(config).ok().and_then(|config| config.platform()).map(Platform::normalized)
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
