//! Fuzzes Dockerfiles: what is read has references that are written as they are parsed again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refkit_dockerfile::{Build, Dockerfile};
use refkit_oci::Reference;

fuzz_target!(|text: &str| {
    let build = Build::for_platform("linux/amd64".parse().expect("it is a platform"));
    let Ok(images) = Dockerfile::parse(text).and_then(|dockerfile| dockerfile.images(&build)) else { return };
    for image in images {
        assert!(image.line as usize <= text.lines().count(), "{image:?}");
        let written = image.reference.to_string();
        assert_eq!(Reference::parse(&written).as_ref(), Ok(&image.reference), "{written}");
    }
});
