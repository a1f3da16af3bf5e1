//! The stage of a whole run: images in memory, an engine, and a chain.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use refkit::settings::Assignment;
use refkit::{
    AotCache, Budget, Chain, Component, Engine, EngineOptions, Grants, Publisher, PublishingChain, Request, Resolver,
};
use refkit_content::{Memory, Push};
use refkit_oci::pattern::Pattern;
use refkit_oci::{Descriptor, Platform, Reference};

/// The index, manifest and config media types of the OCI image specification.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// See [`INDEX`].
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// See [`INDEX`].
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// One engine for all tests of a process, as in a program. Its memories may be large, because some tests raise the
/// limits of the policies. It compiles each component once for all tests.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compiled");
    let cache = AotCache::open(&folder, 1 << 30).expect("the build's directory is the user's own");
    let options = EngineOptions { runs: 16, max_memory: 1 << 30, cache: Some(cache), ..EngineOptions::default() };
    Engine::new(options).expect("wasmtime runs on this machine")
});

/// Images in memory and a chain of policies over them.
pub struct Stage {
    /// The images.
    pub memory: Memory,
    /// The chain, outermost first, without the default policy.
    pub chain: Vec<Component>,
    /// The budget of a run.
    pub budget: Budget,
    /// The repositories that a run may read besides the requested one.
    pub grants: Vec<Pattern>,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// Returns a stage with `registry.test/app:1`, an index of three platforms of which the first has an attestation,
    /// and `registry.test/other:1`, another index.
    pub fn new() -> Self {
        let memory = Memory::new();
        for (name, label) in [("app", "one"), ("other", "two")] {
            let root = image_index(&memory, &format!("registry.test/{name}"), label);
            put(&memory, &format!("registry.test/{name}:1"), INDEX, &root);
        }
        Self { memory, chain: Vec::new(), budget: Budget::default(), grants: Vec::new() }
    }

    /// Adds a policy at the end of the chain, before the default one.
    pub fn policy(mut self, component: &'static [u8], settings: &[(&str, &str)]) -> Self {
        self.chain.push(self::component(component, settings));
        self
    }

    /// Grants the run the repositories that the pattern matches.
    #[must_use]
    pub fn grant(mut self, pattern: &str) -> Self {
        self.grants.push(Pattern::parse(pattern).expect("a test's pattern"));
        self
    }

    /// Changes the budget of a run.
    #[must_use]
    pub fn budget(mut self, change: impl FnOnce(&mut Budget)) -> Self {
        change(&mut self.budget);
        self
    }

    /// Returns the resolver, with the default policy at the end of the chain.
    pub async fn resolver(self) -> Resolver {
        let memory = Arc::new(self.memory.clone());
        self.resolver_over(memory).await
    }

    /// Returns the resolver over another source.
    pub async fn resolver_over(self, source: Arc<dyn refkit_content::Source>) -> Resolver {
        let chain = Chain::load(&ENGINE, self.chain.into_iter().collect(), &[]).await.expect("a test's chain loads");
        chain.resolver(source).budget(self.budget).grants(Grants::new(self.grants))
    }
}

/// Returns a publisher of these publishing policies, over the stage's resolution policies, to a destination.
pub async fn publisher(stage: Stage, policies: Vec<Component>, target: Arc<dyn Push>) -> Publisher {
    let chain =
        PublishingChain::load(&ENGINE, policies.into_iter().collect(), &[]).await.expect("a test's chain loads");
    chain.publisher(stage.resolver().await, target)
}

/// Returns a policy with settings of its own.
pub fn component(bytes: &'static [u8], settings: &[(&str, &str)]) -> Component {
    let settings = settings.iter().map(|(name, value)| Assignment::new(*name, *value)).collect();
    Component::new("a test's policy", bytes).with_settings(settings)
}

/// Returns a request for images of two platforms.
pub fn request(reference: &str) -> Request {
    let platforms = ["linux/amd64", "linux/arm64"].map(|text| text.parse::<Platform>().expect("a test's platform"));
    platforms
        .into_iter()
        .fold(Request::new(Reference::parse(reference).expect("a test's reference")), Request::platform)
}

/// Adds content under a reference.
pub fn put(memory: &Memory, reference: &str, media_type: &str, bytes: &str) -> Descriptor {
    memory.insert(&Reference::parse(reference).expect("a test's reference"), media_type, bytes.to_owned())
}

/// Adds content by its digest, and returns its descriptor as JSON without the closing brace.
fn child(memory: &Memory, repository: &str, media_type: &str, bytes: &str) -> (String, Descriptor) {
    let digest = refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, bytes.as_bytes());
    let descriptor = put(memory, &format!("{repository}@{digest}"), media_type, bytes);
    let json = format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}"#, descriptor.size);
    (json, descriptor)
}

/// Adds three images and an attestation to a repository, and returns the index over them.
pub fn image_index(memory: &Memory, repository: &str, label: &str) -> String {
    let mut entries = Vec::new();
    let mut first = None;
    for (architecture, variant) in [("amd64", ""), ("arm64", ""), ("arm", "v7")] {
        let config = format!(
            r#"{{"os":"linux","architecture":"{architecture}","variant":"{variant}","config":{{"Labels":{{"label":"{label}"}}}},"rootfs":{{"type":"layers","diff_ids":[]}}}}"#
        );
        let (config, _) = child(memory, repository, CONFIG, &config);
        let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config}}},"layers":[]}}"#);
        let (manifest, descriptor) = child(memory, repository, MANIFEST, &manifest);
        let variant = if variant.is_empty() { String::new() } else { format!(r#","variant":"{variant}""#) };
        entries.push(format!(r#"{manifest},"platform":{{"os":"linux","architecture":"{architecture}"{variant}}}}}"#));
        first.get_or_insert(descriptor.digest);
    }
    let (empty, _) = child(memory, repository, "application/vnd.oci.empty.v1+json", "{}");
    let about = first.map(|digest| digest.to_string()).unwrap_or_default();
    let attestation = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{empty}}},"layers":[],"annotations":{{"for":"{label}"}}}}"#
    );
    let (attestation, _) = child(memory, repository, MANIFEST, &attestation);
    entries.push(format!(
        r#"{attestation},"platform":{{"os":"unknown","architecture":"unknown"}},"annotations":{{"vnd.docker.reference.digest":"{about}","vnd.docker.reference.type":"attestation-manifest"}}}}"#
    ));
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","))
}
