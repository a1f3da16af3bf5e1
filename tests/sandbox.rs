//! Components that misbehave, each stopped with its own typed error while the process stays healthy.
#![forbid(unsafe_code)]

#[path = "sandbox/hostile.rs"]
mod hostile;
#[path = "sandbox/initialize.rs"]
mod initialize;
#[path = "sandbox/loading.rs"]
mod loading;
#[path = "sandbox/outcomes.rs"]
mod outcomes;
#[path = "sandbox/realloc.rs"]
mod realloc;

refkit_tests::each_guest_has_a_test!();
