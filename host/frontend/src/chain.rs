//! The chain of a build, and the grants and limits of its runs.

use std::sync::Arc;

use async_trait::async_trait;
use refkit::{Budget, Chain, Delegate, Delegated, Grants, Request, Session};
use refkit_buildkit::{Metadata, PlatformSource};
use refkit_content::{Error, Origin, WithOrigin};
use refkit_oci::{Platform, Reference};

/// The chain of a build, and the grants and limits of its runs.
#[derive(Clone)]
pub struct BuildChain {
    /// The policies.
    pub chain: Chain,
    /// The repositories that a run may read besides the one of its image.
    pub grants: Grants,
    /// The limits of one run.
    pub budget: Budget,
}

impl BuildChain {
    /// Returns a run of the whole chain.
    pub fn session(&self, source: PlatformSource, reference: Reference, platform: &Platform) -> Session {
        self.run(&self.chain, source, Request::new(reference).platform(platform.clone()).with_configs())
    }

    /// Returns a run of the default policy alone; none where the chain is nothing else.
    pub fn default_session(
        &self,
        source: PlatformSource,
        reference: Reference,
        platform: &Platform,
    ) -> Option<Session> {
        let session = || self.run(&self.chain.end(), source, Request::new(reference).platform(platform.clone()));
        (!self.chain.is_default()).then(session)
    }

    fn run(&self, chain: &Chain, source: PlatformSource, request: Request) -> Session {
        let resolver = chain.resolver(Arc::new(source.clone())).delegate(Arc::new(Buildkit(source)));
        resolver.grants(self.grants.clone()).budget(self.budget).session(request)
    }
}

/// BuildKit as the transport that resolves by itself: it builds the image that it answers with.
struct Buildkit(PlatformSource);

#[async_trait]
impl Delegate for Buildkit {
    fn platform(&self) -> Platform {
        self.0.platform().clone()
    }

    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Delegated>, Error> {
        let Metadata { digest, config } = self.0.metadata(reference).await?;
        Ok(WithOrigin { value: Delegated { root: digest, config }, origin: Origin::Host(refkit_buildkit::HOST.into()) })
    }
}
