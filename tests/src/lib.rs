//! Tests of whole runs, and their components.
#![forbid(unsafe_code)]

pub mod stage;

/// Every component that the tests run, built once.
pub mod components {
    include!(concat!(env!("OUT_DIR"), "/components.rs"));
}

/// The code in the README, which the documentation tests compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
