//! Fuzzes references: a reference is written as it is parsed again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refkit_oci::pattern::Pattern;
use refkit_oci::{Digest, Platform, Reference, Repository};

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        let written = reference.to_string();
        assert_eq!(Reference::parse(&written).as_ref(), Ok(&reference), "{written}");
        assert_eq!(Reference::parse(&reference.familiar()).as_ref(), Ok(&reference), "{written}");
        assert!(written.len() < text.len() + 64, "{written}");
    }
    if let Ok(repository) = Repository::parse(text) {
        assert_eq!(Repository::parse(&repository.to_string()).as_ref(), Ok(&repository));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
        assert!(digest.hex().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    }
    if let Ok(platform) = text.parse::<Platform>() {
        let normal = platform.normalized();
        assert_eq!(normal.clone().normalized(), normal);
    }
    let _ = text.parse::<Pattern>();
});
