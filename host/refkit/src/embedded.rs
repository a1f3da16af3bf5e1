//! The default policy, which is in the program: as a component, and compiled ahead of time.
#![allow(unsafe_code)]

use refkit_sandbox::{Engine, LoadError, Policy, Precompiled};

/// The default policy's component.
pub const DEFAULT_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/default.wasm"));

// SAFETY: this crate's build script writes the file, with `Engine::precompile_for`, and nothing else does.
const DEFAULT_CODE: Precompiled =
    unsafe { Precompiled::new(include_bytes!(concat!(env!("OUT_DIR"), "/default.cwasm"))) };

/// Returns the default policy: BuildKit's way of resolving.
///
/// # Errors
/// None that a released program has; those of [`Policy::load`] otherwise.
pub async fn default_policy(engine: &Engine) -> Result<Policy, LoadError> {
    Policy::embedded(engine, &DEFAULT_CODE, DEFAULT_COMPONENT).await
}
