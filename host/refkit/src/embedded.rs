//! The default policies, which end the chains: their components are in the program, and their compiled code may lie
//! beside the program.

use std::path::Path;

use refkit_contract::{Description, Setting};
use refkit_sandbox::{CompiledPolicy, Engine, LoadError, Policy, PublishingPolicy, Shipped, World};

/// The default policy's component.
pub const DEFAULT_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/default.wasm"));

/// The digest of [`DEFAULT_COMPONENT`] (SHA-256).
const DEFAULT_SHA256: [u8; 32] = *include_bytes!(concat!(env!("OUT_DIR"), "/default.sha256"));

/// The name of the file beside a program that holds the default policy's code, as [`Shipped::encode`] writes it.
pub const DEFAULT_CODE: &str = "refkit-default.cwasm";

/// The default publisher's component.
pub const PUBLISH_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/publish.wasm"));

/// The digest of [`PUBLISH_COMPONENT`] (SHA-256).
const PUBLISH_SHA256: [u8; 32] = *include_bytes!(concat!(env!("OUT_DIR"), "/publish.sha256"));

/// The name of the file beside a program that holds the default publisher's code, as [`Shipped::encode`] writes it.
pub const PUBLISH_CODE: &str = "refkit-publish.cwasm";

/// Returns the default policy's code that lies beside a program ([`DEFAULT_CODE`]), for
/// [`Components::default_code`](crate::Components::default_code). `None` where there is none that the program may trust.
pub fn default_code_beside(program: &Path) -> Option<Shipped> {
    Shipped::beside_program(&program.with_file_name(DEFAULT_CODE))
}

/// Returns the default publisher's code that lies beside a program ([`PUBLISH_CODE`]), as [`default_code_beside`] does.
pub fn publish_code_beside(program: &Path) -> Option<Shipped> {
    Shipped::beside_program(&program.with_file_name(PUBLISH_CODE))
}

/// Returns what a component says of itself, without asking it. A test asks it.
fn description(name: &str, summary: &str, settings: &[(&str, &str, Option<&str>)]) -> Description {
    let setting = |(name, summary, default): &(&str, &str, Option<&str>)| Setting {
        name: (*name).to_owned(),
        summary: (*summary).to_owned(),
        required: false,
        default: default.map(str::to_owned),
    };
    Description {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: summary.to_owned(),
        settings: settings.iter().map(setting).collect(),
    }
}

fn default_description() -> Description {
    description("default", "Resolves as BuildKit does", &[])
}

fn publish_description() -> Description {
    let oci = "true writes an OCI index where the result would be a Docker manifest list";
    let referrers = "artifact types, separated by commas, of the referrers that come along with those that buildx copies; \
                     * brings all, also of an index that stays as it is";
    let sparse = "true keeps the bytes of one index, and copies only what the platforms choose";
    let unwrap = "true publishes the one manifest that is left without an index around it";
    let settings = [
        ("oci", oci, Some("false")),
        ("referrers", referrers, None),
        ("sparse", sparse, Some("false")),
        ("unwrap", unwrap, Some("false")),
    ];
    description("publish", "Composes and copies as docker buildx imagetools does", &settings)
}

/// Returns the default policy in its code, or compiles it where there is none that fits.
///
/// # Errors
/// None that a released program has; those of [`Policy::load`] otherwise.
pub(crate) async fn default_policy(engine: &Engine, code: Option<&Shipped>) -> Result<Policy, LoadError> {
    built_in(engine, DEFAULT_COMPONENT, DEFAULT_SHA256, default_description(), code).await
}

/// Returns the default publisher in its code, or compiles it where there is none that fits.
///
/// # Errors
/// As [`default_policy`].
pub(crate) async fn default_publisher(engine: &Engine, code: Option<&Shipped>) -> Result<PublishingPolicy, LoadError> {
    built_in(engine, PUBLISH_COMPONENT, PUBLISH_SHA256, publish_description(), code).await
}

async fn built_in<W: World>(
    engine: &Engine,
    component: &'static [u8],
    sha256: [u8; 32],
    description: Description,
    code: Option<&Shipped>,
) -> Result<CompiledPolicy<W>, LoadError> {
    match code {
        Some(code) => CompiledPolicy::built_in(engine, component, sha256, description, code).await,
        None => CompiledPolicy::load(engine, component).await,
    }
}

#[cfg(test)]
mod tests {
    use refkit_sandbox::EngineOptions;

    use super::*;

    #[tokio::test]
    async fn the_components_describe_themselves_so() {
        let engine = Engine::new(EngineOptions { runs: 1, pool: false, ..EngineOptions::default() }).unwrap();
        let policy = Policy::load(&engine, DEFAULT_COMPONENT).await.unwrap();
        assert_eq!(*policy.description(), default_description());
        let publisher = PublishingPolicy::load(&engine, PUBLISH_COMPONENT).await.unwrap();
        assert_eq!(*publisher.description(), publish_description());
    }
}
