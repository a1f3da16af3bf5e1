//! Who decides in this frontend: the policies, and what they may do.

use std::sync::Arc;

use refkit::{Budget, Engine, Grants, Link, Parts, Policy, Request, Resolver, Selection, Session};
use refkit_buildkit::PlatformSource;
use refkit_oci::{Platform, Reference};

/// The chain of a build, outermost first, the default policy last.
#[derive(Clone)]
pub struct Chain {
    /// What the policies were compiled for.
    pub engine: Engine,
    /// The policies.
    pub policies: Vec<Policy>,
    /// The same with their settings.
    pub links: Vec<Link>,
    /// What runs may read besides the image that they are about.
    pub grants: Grants,
    /// What one run may use.
    pub budget: Budget,
}

impl Chain {
    /// Returns a run of the whole chain.
    pub fn session(&self, source: PlatformSource, reference: Reference, platform: &Platform) -> Session {
        self.resolver(source, &self.links).session(request(reference, platform, Parts::CONFIGS))
    }

    /// Returns a run of the default policy alone; none where there is no other one.
    pub fn default_session(
        &self,
        source: PlatformSource,
        reference: Reference,
        platform: &Platform,
    ) -> Option<Session> {
        let (default, others) = self.links.split_last()?;
        let session = || {
            self.resolver(source, std::slice::from_ref(default)).session(request(reference, platform, Parts::IMAGES))
        };
        (!others.is_empty()).then(session)
    }

    fn resolver(&self, source: PlatformSource, links: &[Link]) -> Resolver {
        let builder = Resolver::builder(self.engine.clone(), Arc::new(source.clone())).vouch(Arc::new(source));
        let builder = builder.grants(self.grants.clone()).budget(self.budget);
        links.iter().cloned().fold(builder, refkit::Builder::policy).build()
    }
}

fn request(reference: Reference, platform: &Platform, parts: Parts) -> Request {
    Request { reference, selection: Selection::Platforms(vec![platform.clone()]), parts }
}
