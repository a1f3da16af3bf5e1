//! Tests of the whole, and the components that they run.
#![forbid(unsafe_code)]

pub mod stage;

/// Every component that the tests run, built once.
pub mod components {
    include!(concat!(env!("OUT_DIR"), "/components.rs"));
}

/// The code in the README, which is compiled as the tests of documentation are.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
