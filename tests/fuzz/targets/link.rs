//! Fuzzes `Link` of a page: the next page is always at the same host.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| refkit_registry::fuzzing::link(text));
