//! Publishing: composing an index or copying an image, and pushing it, as the operator's policies decide.
//!
//! A [`Publisher`] is set up once. Each [`PublishSession`] is one run: the publishing policies with the default publisher
//! at the end, over the resolution policies, which decide about the sources.

mod copy;
mod host;
mod listed;
mod manifest;
mod outcome;
mod placed;
mod run;
mod send;
mod session;
mod store;
mod target;
mod write;
mod write_grants;

use std::sync::Arc;

use refkit_content::Push;
use refkit_content::copy::Step;
use refkit_contract::PublishRequest;
use refkit_oci::{Descriptor, Repository};

use crate::{Budget, Error, PublishingChain, Resolver};

pub use outcome::{PublishOutcome, Published};
pub use session::PublishSession;
pub use write_grants::WriteGrants;

/// A function that is called at each step of the copy of each manifest and blob, with the destination's repository.
pub(crate) type Progress = Arc<dyn Fn(&Repository, &Descriptor, Step) + Send + Sync>;

/// Composes, copies and pushes by a chain of publishing policies. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    pub(crate) chain: PublishingChain,
    pub(crate) resolver: Resolver,
    pub(crate) target: Arc<dyn Push>,
    pub(crate) grants: WriteGrants,
    pub(crate) dry_run: bool,
    pub(crate) progress: Option<Progress>,
    pub(crate) switches: Switches,
}

/// What the caller has switched on. No policy can switch it on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Switches {
    pub(crate) sparse: bool,
    pub(crate) cosign_tags: bool,
    pub(crate) nondistributable: bool,
    pub(crate) thorough: bool,
}

impl Publisher {
    pub(crate) fn new(chain: PublishingChain, resolver: Resolver, target: Arc<dyn Push>) -> Self {
        let Budget { wall, calls, .. } = Budget::for_publication();
        let budget = Budget { wall, calls: calls.max(resolver.budget.calls), ..resolver.budget };
        let resolver = resolver.budget(budget);
        let grants = WriteGrants::default();
        Self { chain, resolver, target, grants, dry_run: false, progress: None, switches: Switches::default() }
    }

    /// Sets where the runs may write besides the destinations of their requests.
    #[must_use]
    pub fn grants(mut self, grants: WriteGrants) -> Self {
        self.grants = grants;
        self
    }

    /// Sets the limits of each run.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.resolver = self.resolver.budget(budget);
        self
    }

    /// Sets whether the runs only check: they then answer as if they had written, and send nothing. A policy cannot tell.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets whether a run may push an index of a source, byte for byte, although the destination lacks manifests that the
    /// index names; some registries refuse such an index. The default publisher does so where its setting `sparse` is true.
    #[must_use]
    pub fn sparse(mut self, sparse: bool) -> Self {
        self.switches.sparse = sparse;
        self
    }

    /// Sets whether a copy with all referrers (`*`, in the default publisher's setting `referrers`) also copies the tags
    /// under which cosign keeps signatures, attestations and SBOMs of each copied manifest: `sha256-HEX.sig`, `.att` and
    /// `.sbom`. The copy then moves these tags of the destination, and no policy can choose others. A sparse index gets its
    /// own as well.
    #[must_use]
    pub fn cosign_tags(mut self, copied: bool) -> Self {
        self.switches.cosign_tags = copied;
        self
    }

    /// Sets whether copies include layers that may not be distributed. By default they stay where their `urls` say.
    #[must_use]
    pub fn nondistributable(mut self, copied: bool) -> Self {
        self.switches.nondistributable = copied;
        self
    }

    /// Sets whether copies check for all that is below a manifest or an index that a destination already has, and send what
    /// is absent. By default it counts as complete; a sparse copy leaves an index that is not, and so may a registry that
    /// has deleted a manifest of one. See [`refkit_content::copy::Options::thorough`].
    #[must_use]
    pub fn thorough(mut self, thorough: bool) -> Self {
        self.switches.thorough = thorough;
        self
    }

    /// Sets a function to call at each step of the copy of each manifest and blob. The task that moves the bytes calls it,
    /// so it has to be quick.
    #[must_use]
    pub fn progress(mut self, told: impl Fn(&Repository, &Descriptor, Step) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(told));
        self
    }

    /// Returns a run that has not begun.
    pub fn session(&self, request: PublishRequest) -> PublishSession {
        PublishSession::new(self, request)
    }

    /// Publishes, in a run of its own.
    ///
    /// # Errors
    /// [`Error`], where the run ended without a decision. The tags of the destinations may have moved in part.
    pub async fn publish(&self, request: PublishRequest) -> Result<PublishOutcome, Error> {
        self.session(request).publish().await
    }
}
