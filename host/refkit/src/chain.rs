//! The policies of a run, and the default policy that ends every chain.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use refkit_content::{Push, Source};
use refkit_contract::Description;
use refkit_oci::Digest;
use refkit_sandbox::{CompiledPolicy, Engine, LoadError, Publishing, Resolving, Shipped, World};

use crate::embedded;
use crate::settings::{self, Assignment, DistributeError};
use crate::{Budget, Grants, Publisher, Resolver};

/// A world whose chains have an end: the default policy of that world.
pub trait Ended: World {
    /// The name by which errors name the default policy.
    #[doc(hidden)]
    const END: &str;

    /// Returns the default policy, in the code that lies beside the program if that fits.
    #[doc(hidden)]
    fn end(
        engine: &Engine,
        code: Option<Shipped>,
    ) -> impl Future<Output = Result<CompiledPolicy<Self>, LoadError>> + Send;
}

impl Ended for Resolving {
    const END: &str = "default";

    async fn end(engine: &Engine, code: Option<Shipped>) -> Result<CompiledPolicy<Self>, LoadError> {
        embedded::default_policy(engine, code.as_ref()).await
    }
}

impl Ended for Publishing {
    const END: &str = "publish";

    async fn end(engine: &Engine, code: Option<Shipped>) -> Result<CompiledPolicy<Self>, LoadError> {
        embedded::default_publisher(engine, code.as_ref()).await
    }
}

/// A component on its way into a chain.
#[derive(Debug, Clone)]
pub struct Component {
    name: String,
    bytes: Bytes,
    code: Option<Shipped>,
    settings: Option<Vec<Assignment>>,
}

impl Component {
    /// Returns a component. Errors name it by `name`, which is mostly its file.
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), code: None, settings: None }
    }

    /// Sets the code that was shipped with the component. A component whose code does not fit is compiled.
    #[must_use]
    pub fn with_code(self, code: Option<Shipped>) -> Self {
        Self { code, ..self }
    }

    /// Gives the policy settings of its own: those of the chain then do not reach it, and its own reach no other.
    #[must_use]
    pub fn with_settings(self, settings: Vec<Assignment>) -> Self {
        Self { settings: Some(settings), ..self }
    }

    async fn load<W: World>(&self, engine: &Engine) -> Result<CompiledPolicy<W>, ChainError> {
        let loaded = match &self.code {
            Some(code) => CompiledPolicy::shipped(engine, self.bytes.clone(), code).await,
            None => CompiledPolicy::load(engine, self.bytes.clone()).await,
        };
        loaded.map_err(|source| ChainError::Load { name: self.name.clone(), source })
    }
}

async fn end<W: Ended>(engine: &Engine, code: Option<Shipped>) -> Result<CompiledPolicy<W>, ChainError> {
    W::end(engine, code).await.map_err(|source| ChainError::Load { name: W::END.to_owned(), source })
}

/// The policies that a chain is loaded from, outermost first. The default policy is not among them: every chain ends in
/// it.
#[derive(Debug, Clone, Default)]
pub struct Components {
    list: Vec<Component>,
    default_code: Option<Shipped>,
}

impl Components {
    /// Returns no policies: a chain of the default policy alone.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a policy after those that are there.
    #[must_use]
    pub fn policy(mut self, component: Component) -> Self {
        self.list.push(component);
        self
    }

    /// Sets the code that the default policy was shipped with. Without it, the default policy is compiled.
    #[must_use]
    pub fn default_code(self, default_code: Option<Shipped>) -> Self {
        Self { default_code, ..self }
    }
}

impl FromIterator<Component> for Components {
    fn from_iter<I: IntoIterator<Item = Component>>(list: I) -> Self {
        Self { list: list.into_iter().collect(), default_code: None }
    }
}

/// A policy with the values of its settings.
pub(crate) struct Link<W: World = Resolving> {
    pub(crate) policy: CompiledPolicy<W>,
    pub(crate) settings: Arc<BTreeMap<String, String>>,
    pub(crate) name: Arc<str>,
}

impl<W: World> Clone for Link<W> {
    fn clone(&self) -> Self {
        Self { policy: self.policy.clone(), settings: Arc::clone(&self.settings), name: Arc::clone(&self.name) }
    }
}

impl<W: World> Link<W> {
    fn new(policy: CompiledPolicy<W>, mut values: BTreeMap<String, String>) -> Result<Self, MissingSetting> {
        settings::complete(policy.description(), &mut values)?;
        let name = policy.description().name.as_str().into();
        Ok(Self { policy, settings: Arc::new(values), name })
    }

    /// Returns whether the policy may read documents.
    pub(crate) fn reads(&self) -> bool {
        self.policy.imports().iter().any(|interface| interface == "registry")
    }
}

/// A policy cannot run without this setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy {policy} needs the setting {name} ({summary})")]
#[non_exhaustive]
pub struct MissingSetting {
    /// The policy.
    pub policy: String,
    /// The setting.
    pub name: String,
    /// The policy's sentence about it.
    pub summary: String,
}

/// Why there is no chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A component is no policy, or cannot be compiled.
    #[error("cannot use the policy {name}: {source}")]
    Load {
        /// The name of the component.
        name: String,
        /// Why it cannot be used.
        source: LoadError,
    },
    /// No policy has the setting, or more than one has.
    #[error(transparent)]
    Setting(#[from] DistributeError),
    /// A required setting has no value.
    #[error("{missing}")]
    Missing {
        /// The shortest name by which an [`Assignment`] gives it to that policy.
        address: String,
        /// The policy and the setting.
        missing: MissingSetting,
    },
}

/// A chain of policies that resolve references.
pub type Chain = ChainOf<Resolving>;

/// A chain of policies that compose and push.
pub type PublishingChain = ChainOf<Publishing>;

/// A chain of policies of one world with their settings, outermost first. It ends in the default policy of that world by
/// construction. Cheap to clone.
pub struct ChainOf<W: World> {
    engine: Engine,
    policies: Arc<[Link<W>]>,
    default: Link<W>,
}

impl<W: World> Clone for ChainOf<W> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), policies: Arc::clone(&self.policies), default: self.default.clone() }
    }
}

/// What decides how a policy of a chain decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyIdentity {
    /// Its name.
    pub name: String,
    /// The digest of its component.
    pub component: Digest,
    /// The values of its settings, those that it has by default included.
    pub settings: BTreeMap<String, String>,
}

/// A place in a chain.
pub(crate) enum Place<'a, W: World = Resolving> {
    /// A policy before the end.
    Policy(&'a Link<W>),
    /// The default policy, which ends the chain.
    End(&'a Link<W>),
}

impl<W: Ended> ChainOf<W> {
    /// Returns the chain of these policies over the default policy, each with the settings that are meant for it.
    ///
    /// # Errors
    /// [`ChainError`]: the first component that is no policy, or the first setting that is missing or belongs to none
    /// or to several of the policies.
    pub async fn load(engine: &Engine, components: Components, settings: &[Assignment]) -> Result<Self, ChainError> {
        let mut policies = Vec::with_capacity(components.list.len() + 1);
        for component in &components.list {
            policies.push(component.load::<W>(engine).await?);
        }
        policies.push(end(engine, components.default_code).await?);
        let own = components.list.iter().map(|component| component.settings.as_deref()).chain([None]);
        Self::linked(engine, link(policies, own.collect(), settings)?)
    }

    /// Returns the chain of policies that were loaded before over the default policy, as [`Chain::load`] makes it of their
    /// components.
    ///
    /// # Errors
    /// As [`Chain::load`].
    pub async fn of_policies(
        engine: &Engine,
        mut policies: Vec<CompiledPolicy<W>>,
        default_code: Option<Shipped>,
        settings: &[Assignment],
    ) -> Result<Self, ChainError> {
        policies.push(end(engine, default_code).await?);
        let own = vec![None; policies.len()];
        Self::linked(engine, link(policies, own, settings)?)
    }

    fn linked(engine: &Engine, mut links: Vec<Link<W>>) -> Result<Self, ChainError> {
        let default = links.pop().expect("the default policy was put there");
        Ok(Self { engine: engine.clone(), policies: links.into(), default })
    }
}

impl Chain {
    /// Returns a resolver that reads from the source, with the default [`Grants`] and [`Budget`].
    pub fn resolver(&self, source: Arc<dyn Source>) -> Resolver {
        let (grants, budget) = (Grants::default(), Budget::default());
        Resolver { chain: self.clone(), source, delegate: None, grants, budget, clock: None }
    }
}

impl PublishingChain {
    /// Returns a publisher that reads what the resolver's policies resolve, from its source, and pushes to the target.
    /// The budget is the resolver's, with six hours for the whole.
    pub fn publisher(&self, resolver: Resolver, target: Arc<dyn Push>) -> Publisher {
        Publisher::new(self.clone(), resolver, target)
    }
}

impl<W: World> ChainOf<W> {
    /// Returns the engine that the policies were compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the policies, outermost first, and the default policy last.
    pub fn policies(&self) -> impl Iterator<Item = &CompiledPolicy<W>> {
        self.policies.iter().chain([&self.default]).map(|link| &link.policy)
    }

    /// Returns which policies these are, outermost first, with the values of their settings.
    pub fn identities(&self) -> Vec<PolicyIdentity> {
        let identity = |link: &Link<W>| PolicyIdentity {
            name: link.name.to_string(),
            component: link.policy.digest().clone(),
            settings: BTreeMap::clone(&link.settings),
        };
        self.policies.iter().chain([&self.default]).map(identity).collect()
    }

    /// Shows the names of the policies, outermost first.
    pub(crate) fn names(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            for link in &*self.policies {
                write!(f, "{}, ", link.name)?;
            }
            f.write_str(&self.default.name)
        })
    }

    /// Returns this chain behind policies that were loaded before, each with settings of its own: these decide first.
    /// Nothing is compiled or read.
    ///
    /// # Errors
    /// [`ChainError`]: the first setting that is missing, or that its policy does not have.
    pub fn preceded_by(&self, policies: Vec<(CompiledPolicy<W>, Vec<Assignment>)>) -> Result<Self, ChainError> {
        let (policies, own): (Vec<_>, Vec<_>) = policies.into_iter().unzip();
        let mut links = link(policies, own.iter().map(|own| Some(&own[..])).collect(), &[])?;
        links.extend(self.policies.iter().cloned());
        Ok(Self { policies: links.into(), ..self.clone() })
    }

    /// Returns whether the default policy decides alone.
    pub fn is_default(&self) -> bool {
        self.policies.is_empty()
    }

    /// Returns the end of this chain as a chain of its own: the default policy alone.
    #[must_use]
    pub fn end(&self) -> Self {
        Self { policies: Arc::new([]), ..self.clone() }
    }

    /// Returns how many runs of policies one run of the chain may need at one time.
    pub(crate) fn depth(&self) -> usize {
        self.policies.len() + 1
    }

    /// Returns the policy at a place, if there is one.
    pub(crate) fn at(&self, index: usize) -> Option<Place<'_, W>> {
        match self.policies.get(index) {
            Some(link) => Some(Place::Policy(link)),
            None if index == self.policies.len() => Some(Place::End(&self.default)),
            None => None,
        }
    }

    /// Returns the name of the policy that ends the chain.
    pub(crate) fn end_name(&self) -> String {
        self.default.name.to_string()
    }
}

/// Gives each policy its settings: those that have some of their own get these, the others share the chain's.
fn link<W: World>(
    policies: Vec<CompiledPolicy<W>>,
    own: Vec<Option<&[Assignment]>>,
    shared: &[Assignment],
) -> Result<Vec<Link<W>>, ChainError> {
    let sharing = policies.iter().zip(&own).filter(|(_, own)| own.is_none());
    let sharing: Vec<&Description> = sharing.map(|(policy, _)| policy.description()).collect();
    let mut values = settings::distribute(shared, &sharing)?.into_iter().enumerate();
    let mut links = Vec::with_capacity(policies.len());
    for (policy, own) in policies.iter().zip(own) {
        let alone = [policy.description()];
        let (group, given) = match own {
            Some(own) => (&alone[..], settings::distribute(own, &alone)?.pop().map(|values| (0, values))),
            None => (&sharing[..], values.next()),
        };
        let (place, given) = given.unwrap_or_default();
        let missing = |missing: MissingSetting| ChainError::Missing {
            address: settings::address(group, place, &missing.name),
            missing,
        };
        links.push(Link::new(policy.clone(), given).map_err(missing)?);
    }
    Ok(links)
}
