//! A compiled policy.

use std::sync::Arc;

use bytes::Bytes;
use refkit_contract::{Description, PublishDecision, PublishRequest, Request, Step};
use refkit_oci::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, Linker};

use crate::aot::Shipped;
use crate::compiler::Compiled;
use crate::world::{self, Publishing, Resolving, World};
use crate::{Engine, Host, Instance, Limits, LoadError, PublishingHost, RunError, Usage};

/// A policy that resolves references.
pub type Policy = CompiledPolicy<Resolving>;

/// A policy that composes and pushes.
pub type PublishingPolicy = CompiledPolicy<Publishing>;

/// A policy of one world: compiled once, checked against the contract, ready to run any number of times. Cheap to clone.
pub struct CompiledPolicy<W: World> {
    engine: Engine,
    pre: Arc<W::Pre>,
    description: Arc<Description>,
    imports: Arc<[String]>,
    digest: Digest,
}

impl<W: World> Clone for CompiledPolicy<W> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            pre: Arc::clone(&self.pre),
            description: Arc::clone(&self.description),
            imports: Arc::clone(&self.imports),
            digest: self.digest.clone(),
        }
    }
}

impl<W: World> CompiledPolicy<W> {
    /// Returns the policy in a component's bytes: compiled, or from the engine's cache where it was compiled before.
    ///
    /// # Errors
    /// When it is no component, asks for what the contract does not have, is too large, cannot be compiled within the
    /// limits of the engine's compiler, or fails to describe itself.
    pub async fn load(engine: &Engine, component: impl Into<Bytes>) -> Result<Self, LoadError> {
        let bytes = component.into();
        let limit = engine.options.max_component;
        if bytes.len() as u64 > limit {
            return Err(LoadError::TooLarge { size: bytes.len() as u64, limit });
        }
        // All that can be refused is refused before anything is compiled, or taken from the cache.
        world::check(W::rules(), &bytes)?;
        let sha256 = Sha256::digest(&bytes).into();
        let key = engine.key(sha256)?;
        if let Some(cache) = engine.options.cache.clone() {
            let (wasmtime, key) = (engine.wasmtime.clone(), key.clone());
            let cached = tokio::task::spawn_blocking(move || cache.load(&wasmtime, &key)).await;
            if let Ok(Some(component)) = cached {
                return Self::new(engine, component, sha256).await;
            }
        }
        let Compiled { component, entry } = engine.compile(bytes, key.clone()).await?;
        let policy = Self::new(engine, component, sha256).await?;
        if let (Some(cache), Some(entry)) = (engine.options.cache.clone(), entry) {
            // A cache that cannot be written costs a compile the next time, and nothing else.
            let _ = tokio::task::spawn_blocking(move || cache.keep(&key, &entry)).await;
        }
        Ok(policy)
    }

    /// Returns the policy in a component's bytes, in the code that was shipped with it, or compiles the component where
    /// that code is damaged, another component's, or does not fit this machine or this version.
    ///
    /// # Errors
    /// As [`Policy::load`].
    pub async fn shipped(engine: &Engine, component: impl Into<Bytes>, code: &Shipped) -> Result<Self, LoadError> {
        let bytes = component.into();
        let sha256 = Sha256::digest(&bytes).into();
        match code.load(engine, &sha256) {
            Some(component) => {
                world::check(W::rules(), &bytes)?;
                Self::new(engine, component, sha256).await
            }
            None => Self::load(engine, bytes).await,
        }
    }

    /// Returns the policy in a component that is part of this program, as [`Policy::shipped`] does. The program knows the
    /// component's digest (SHA-256), that the component is a policy, and how it describes itself, so a start spends
    /// nothing on that.
    ///
    /// # Errors
    /// As [`Policy::load`].
    pub async fn built_in(
        engine: &Engine,
        component: &'static [u8],
        sha256: [u8; 32],
        description: Description,
        code: &Shipped,
    ) -> Result<Self, LoadError> {
        match code.load(engine, &sha256) {
            Some(component) => Self::link(engine, &component, sha256, description),
            None => Self::load(engine, component).await,
        }
    }

    /// Returns the policy in a component that was compiled from bytes which the world allows.
    async fn new(engine: &Engine, component: Component, sha256: [u8; 32]) -> Result<Self, LoadError> {
        let mut policy = Self::link(engine, &component, sha256, Description::default())?;
        policy.description = Arc::new(policy.describe().await.map_err(LoadError::Describe)?);
        Ok(policy)
    }

    /// Returns the policy in such a component that describes itself so.
    fn link(
        engine: &Engine,
        component: &Component,
        sha256: [u8; 32],
        description: Description,
    ) -> Result<Self, LoadError> {
        let imports = world::asked(component);
        let text = |error: wasmtime::Error| LoadError::Mismatch(format!("{error:#}"));
        let mut linker = Linker::new(&engine.wasmtime);
        W::link(&mut linker).map_err(text)?;
        let pre = linker.instantiate_pre(component).and_then(W::prepare).map_err(text)?;
        Ok(Self {
            engine: engine.clone(),
            pre: Arc::new(pre),
            description: Arc::new(description),
            imports: imports.into(),
            digest: digest(&sha256),
        })
    }

    async fn describe(&self) -> Result<Description, RunError> {
        let _permit = self.engine.reserve(1).await?;
        let mut instance = self.instance(W::silent(), Limits::default()).await.map_err(|(error, _)| error)?;
        instance.describe().await
    }

    /// Returns who the policy says it is.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Returns which interfaces of the contract it imports: what it asks for.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Returns the digest of the component.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Returns the engine it was compiled for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns an instance that can be asked more than once. What it met in one question it can see in the next: for
    /// benches, and for callers that trust the policy that far. A run that decides takes `run`.
    ///
    /// # Errors
    /// The limit that instantiation ran into, and what was used.
    pub async fn instance(&self, calls: impl Into<W::Calls>, limits: Limits) -> Result<Instance<W>, (RunError, Usage)> {
        let tick = self.engine.ticker.run();
        Instance::<W>::new(&self.engine, &self.pre, tick, calls.into(), limits).await
    }
}

impl Policy {
    /// Runs the policy once in a fresh instance. The caller holds a place of [`Engine::reserve`]. What was used is
    /// told either way.
    pub async fn run(
        &self,
        host: Arc<dyn Host>,
        limits: Limits,
        request: &Request,
    ) -> (Result<Step<Digest>, RunError>, Usage) {
        match self.instance(host, limits).await {
            Err((error, usage)) => (Err(error), usage),
            Ok(mut instance) => {
                let result = instance.resolve(request).await;
                (result, instance.usage())
            }
        }
    }
}

impl PublishingPolicy {
    /// Runs the policy once in a fresh instance. The caller holds a place of [`Engine::reserve`]. What was used is
    /// told either way.
    pub async fn run(
        &self,
        host: Arc<dyn PublishingHost>,
        limits: Limits,
        request: &PublishRequest,
    ) -> (Result<PublishDecision<Digest>, RunError>, Usage) {
        match self.instance(host, limits).await {
            Err((error, usage)) => (Err(error), usage),
            Ok(mut instance) => {
                let result = instance.publish(request).await;
                (result, instance.usage())
            }
        }
    }
}

fn digest(sha256: &[u8]) -> Digest {
    Digest::try_from(format!("sha256:{}", hex(sha256))).expect("sha256 and 64 digits")
}

/// Returns bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
