//! A compiled policy.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use sha2::{Digest as _, Sha256};
use wasmtime::component::{Component, Linker};

use crate::aot::Shipped;
use crate::instance::State;
use crate::resolution::{Claim, Content, Decision, Description, ErrorCode, Failure, Level, Request};
use crate::view::Views;
use crate::{Engine, Host, Instance, Limits, LoadError, RunError, Usage, bindings, world};

/// A policy: compiled once, checked against the contract, ready to run any number of times. Cheap to clone.
#[derive(Clone)]
pub struct Policy {
    engine: Engine,
    pre: Arc<bindings::PolicyPre<State>>,
    description: Arc<Description>,
    imports: Arc<[String]>,
    digest: Digest,
}

impl Policy {
    /// Returns the policy in a component's bytes: compiled, or from the engine's cache where it was compiled before.
    ///
    /// # Errors
    /// When it is too large or too slow to compile, is no component, asks for what the contract does not have, or
    /// fails to describe itself.
    pub async fn load(engine: &Engine, component: impl Into<Bytes>) -> Result<Self, LoadError> {
        let bytes = component.into();
        let options = &engine.options;
        if bytes.len() as u64 > options.max_component {
            return Err(LoadError::TooLarge { size: bytes.len() as u64, limit: options.max_component });
        }
        if !bytes.starts_with(b"\0asm") {
            return Err(LoadError::Malformed("it does not begin with the four bytes of WebAssembly".into()));
        }
        if bytes.get(4..8) == Some(&[1, 0, 0, 0]) {
            return Err(LoadError::CoreModule);
        }
        let digest = digest(&bytes);
        let compiled = match engine.cached(&digest) {
            Some(component) => component,
            None => compile(engine, bytes.clone(), digest.clone()).await?,
        };
        Self::new(engine, compiled, digest, &bytes).await
    }

    /// Returns the policy in a component's bytes, in the code that was shipped with it, or compiles the component where
    /// that code is damaged, another component's, or does not fit this machine or this version.
    ///
    /// # Errors
    /// As [`Policy::load`].
    pub async fn shipped(engine: &Engine, component: impl Into<Bytes>, code: &Shipped) -> Result<Self, LoadError> {
        let bytes = component.into();
        match code.load(engine, &bytes) {
            Some(compiled) => Self::new(engine, compiled, digest(&bytes), &bytes).await,
            None => Self::load(engine, bytes).await,
        }
    }

    async fn new(engine: &Engine, component: Component, digest: Digest, bytes: &[u8]) -> Result<Self, LoadError> {
        let imports = world::check(&component, bytes)?;
        let text = |error: wasmtime::Error| LoadError::Mismatch(format!("{error:#}"));
        let mut linker = Linker::new(&engine.wasmtime);
        bindings::Policy::add_to_linker::<State, Views>(&mut linker, State::view).map_err(text)?;
        let pre = linker.instantiate_pre(&component).and_then(bindings::PolicyPre::new).map_err(text)?;
        let mut policy = Self {
            engine: engine.clone(),
            pre: Arc::new(pre),
            description: Arc::new(Description {
                name: String::new(),
                version: String::new(),
                summary: String::new(),
                settings: Vec::new(),
            }),
            imports: imports.into(),
            digest,
        };
        policy.description = Arc::new(policy.describe().await.map_err(LoadError::Describe)?);
        Ok(policy)
    }

    async fn describe(&self) -> Result<Description, RunError> {
        let _permit = self.engine.reserve(1).await?;
        let mut instance = self.instance(Arc::new(Silent), Limits::default()).await.map_err(|(error, _)| error)?;
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

    /// Runs the policy once in a fresh instance. The caller holds a place of [`Engine::reserve`]. What was used is
    /// told either way.
    pub async fn run(
        &self,
        host: Arc<dyn Host>,
        limits: Limits,
        request: &Request,
    ) -> (Result<Claim, RunError>, Usage) {
        match self.instance(host, limits).await {
            Err((error, usage)) => (Err(error), usage),
            Ok(mut instance) => {
                let result = instance.resolve(request).await;
                (result, instance.usage())
            }
        }
    }

    /// Returns an instance that can be asked more than once. What it met in one question it can see in the next: for
    /// benches, and for whoever trusts the policy that far. A run that decides takes [`Policy::run`].
    ///
    /// # Errors
    /// The limit that instantiation ran into, and what was used.
    pub async fn instance(&self, host: Arc<dyn Host>, limits: Limits) -> Result<Instance, (RunError, Usage)> {
        let tick = self.engine.ticker.run();
        Instance::new(&self.pre, tick, host, limits, self.engine.options.runs).await
    }
}

fn digest(bytes: &[u8]) -> Digest {
    use std::fmt::Write;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    Digest::try_from(text).expect("sha256 and 64 digits")
}

/// Compiles on a thread of its own. wasmtime cannot be stopped in the middle, so after the time is up that thread ends
/// by itself; the size limit bounds how much of that there can be.
async fn compile(engine: &Engine, bytes: Bytes, digest: Digest) -> Result<Component, LoadError> {
    let limit = engine.options.max_compile_time;
    let compiling = engine.clone();
    let task = tokio::task::spawn_blocking(move || compiling.compile(&bytes, &digest));
    match tokio::time::timeout(limit, task).await {
        Err(_) => Err(LoadError::TooSlow(limit)),
        Ok(Err(_)) => Err(LoadError::Malformed("the compiler gave up".into())),
        Ok(Ok(result)) => result.map_err(|error| LoadError::Malformed(first_line(&error))),
    }
}

fn first_line(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The host of a policy that describes itself: it answers nothing.
struct Silent;

fn nothing<T>() -> Result<T, Failure> {
    Err(Failure { code: ErrorCode::NotGranted, message: "nothing can be asked while a policy describes itself".into() })
}

#[async_trait]
impl Host for Silent {
    async fn resolve(&self, _: &Reference) -> Result<Descriptor, Failure> {
        nothing()
    }
    async fn pull(&self, _: &Reference) -> Result<Content, Failure> {
        nothing()
    }
    async fn fetch(&self, _: &Repository, _: &Digest) -> Result<Bytes, Failure> {
        nothing()
    }
    async fn fetch_range(&self, _: &Repository, _: &Digest, _: u64, _: u32) -> Result<Bytes, Failure> {
        nothing()
    }
    async fn referrers(&self, _: &Repository, _: &Digest, _: Option<&str>) -> Result<Vec<Descriptor>, Failure> {
        nothing()
    }
    async fn tags(&self, _: &Repository) -> Result<Vec<String>, Failure> {
        nothing()
    }
    async fn next(&self, _: Request) -> Result<Decision<Descriptor>, Failure> {
        nothing()
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn settings(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    fn now(&self) -> u64 {
        0
    }
    fn event(&self, _: Level, _: String, _: Vec<(String, String)>) {}
}
