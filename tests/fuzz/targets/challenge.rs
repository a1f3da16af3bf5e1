//! Fuzzes `WWW-Authenticate` in one header or several, and the scopes in it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| refkit_registry::fuzzing::challenge(text));
