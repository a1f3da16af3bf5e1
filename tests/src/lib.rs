//! Tests of the whole, and the components that they run.
#![forbid(unsafe_code)]

pub mod stage;

/// Every component that the tests run, built once.
pub mod components {
    include!(concat!(env!("OUT_DIR"), "/components.rs"));
}
