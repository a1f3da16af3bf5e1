//! The memory that requests and decisions take.

use refkit_oci::Footprint;

use crate::{
    Absence, Annotation, Decision, Denial, Failure, Image, PublishDecision, PublishRequest, PublishSource, Request,
    Resolved, Selection,
};

impl Footprint for Request {
    fn footprint(&self) -> usize {
        let platforms = match &self.selection {
            Selection::Platforms(platforms) => platforms.footprint(),
            Selection::All => size_of::<Selection>(),
        };
        self.reference.footprint() + platforms + size_of_val(&self.parts)
    }
}

impl Footprint for Failure {
    fn footprint(&self) -> usize {
        size_of::<Self>() - size_of::<String>() + self.message.footprint()
    }
}

impl Footprint for Denial {
    fn footprint(&self) -> usize {
        self.rule.footprint() + self.message.footprint() + self.subject.footprint() + size_of_val(&self.policy)
    }
}

impl Footprint for Absence {
    fn footprint(&self) -> usize {
        match self {
            Self::NoMatch => size_of::<Self>(),
            Self::Denied(denials) => denials.footprint(),
            Self::Failed(failure) => failure.footprint(),
        }
    }
}

impl<D: Footprint> Footprint for Image<D> {
    fn footprint(&self) -> usize {
        let Self { platform, parents, manifest, config, attestations } = self;
        let own = platform.footprint() + parents.footprint() + manifest.footprint();
        own + config.footprint() + attestations.footprint()
    }
}

impl<D: Footprint> Footprint for Resolved<D> {
    fn footprint(&self) -> usize {
        self.reference.footprint() + self.root.footprint() + self.images.footprint()
    }
}

impl<D: Footprint> Footprint for Decision<D> {
    fn footprint(&self) -> usize {
        match self {
            Self::Resolved(resolved) => resolved.footprint(),
            Self::Denied(denials) => denials.footprint(),
        }
    }
}

impl Footprint for PublishRequest {
    fn footprint(&self) -> usize {
        let Self { sources, destinations, platforms, annotations, prefer_index } = self;
        let wanted = platforms.footprint() + annotations.footprint() + size_of_val(prefer_index);
        sources.footprint() + destinations.footprint() + wanted
    }
}

impl Footprint for PublishSource {
    fn footprint(&self) -> usize {
        self.reference.footprint() + self.descriptor.footprint()
    }
}

impl Footprint for Annotation {
    fn footprint(&self) -> usize {
        size_of_val(&self.target) + self.platform.footprint() + self.key.footprint() + self.value.footprint()
    }
}

impl<D: Footprint> Footprint for PublishDecision<D> {
    fn footprint(&self) -> usize {
        match self {
            Self::Published(root) => root.footprint(),
            Self::Denied(denials) => denials.footprint(),
        }
    }
}
