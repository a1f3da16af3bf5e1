//! The default policy: its component is in the program, and its compiled code may lie beside the program.

use refkit_sandbox::{Engine, LoadError, Policy, Shipped};

/// The default policy's component.
pub const DEFAULT_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/default.wasm"));

/// The name of the file beside a program that holds the default policy's code, as [`Shipped::encode`] writes it.
pub const DEFAULT_CODE: &str = "refkit-default.cwasm";

/// Returns the default policy: BuildKit's way of resolving.
///
/// # Errors
/// None that a released program has; those of [`Policy::load`] otherwise.
pub async fn default_policy(engine: &Engine) -> Result<Policy, LoadError> {
    Policy::load(engine, DEFAULT_COMPONENT).await
}

/// Returns the default policy in the code that lies beside this program ([`DEFAULT_CODE`]), or compiles it where there
/// is none that fits this machine.
///
/// # Errors
/// As [`default_policy`].
pub async fn shipped_default_policy(engine: &Engine) -> Result<Policy, LoadError> {
    let program = std::env::current_exe().unwrap_or_default();
    match Shipped::beside_program(&program.with_file_name(DEFAULT_CODE)) {
        Some(code) => Policy::shipped(engine, DEFAULT_COMPONENT, &code).await,
        None => default_policy(engine).await,
    }
}
