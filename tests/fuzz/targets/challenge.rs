//! `WWW-Authenticate`, of one header or several, and the scopes that it names.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| refkit_registry::fuzzing::challenge(text));
