//! Fuzzes the three kinds of files about hosts. The first character selects one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut characters = text.chars();
    if let Some(kind) = characters.next() {
        refkit_registry::fuzzing::hosts(u32::from(kind), characters.as_str());
    }
});
