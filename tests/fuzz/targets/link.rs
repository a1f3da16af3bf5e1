//! `Link` of a page: whatever it says, the next page is one of the same host.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| refkit_registry::fuzzing::link(text));
