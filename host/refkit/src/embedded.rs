//! The default policy: its component is in the program, and its compiled code may lie beside the program.

use std::path::Path;

use refkit_contract::Description;
use refkit_sandbox::{Engine, LoadError, Policy, Shipped};

/// The default policy's component.
pub const DEFAULT_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/default.wasm"));

/// The digest of [`DEFAULT_COMPONENT`] (SHA-256).
const DEFAULT_SHA256: [u8; 32] = *include_bytes!(concat!(env!("OUT_DIR"), "/default.sha256"));

/// The name of the file beside a program that holds the default policy's code, as [`Shipped::encode`] writes it.
pub const DEFAULT_CODE: &str = "refkit-default.cwasm";

/// Returns the default policy's code that lies beside a program ([`DEFAULT_CODE`]), for
/// [`Components::default_code`](crate::Components::default_code). `None` where there is none that the program may trust.
pub fn default_code_beside(program: &Path) -> Option<Shipped> {
    Shipped::beside_program(&program.with_file_name(DEFAULT_CODE))
}

/// Returns what [`DEFAULT_COMPONENT`] says of itself. A test asks the component.
fn description() -> Description {
    Description {
        name: "default".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: "Resolves as BuildKit does".to_owned(),
        settings: Vec::new(),
    }
}

/// Returns the default policy in its code, or compiles it where there is none that fits.
///
/// # Errors
/// None that a released program has; those of [`Policy::load`] otherwise.
pub(crate) async fn default_policy(engine: &Engine, code: Option<&Shipped>) -> Result<Policy, LoadError> {
    match code {
        Some(code) => Policy::built_in(engine, DEFAULT_COMPONENT, DEFAULT_SHA256, description(), code).await,
        None => Policy::load(engine, DEFAULT_COMPONENT).await,
    }
}

#[cfg(test)]
mod tests {
    use refkit_sandbox::EngineOptions;

    use super::*;

    #[tokio::test]
    async fn the_component_describes_itself_so() {
        let engine = Engine::new(EngineOptions { runs: 1, pool: false, ..EngineOptions::default() }).unwrap();
        let policy = Policy::load(&engine, DEFAULT_COMPONENT).await.unwrap();
        assert_eq!(*policy.description(), description());
    }
}
