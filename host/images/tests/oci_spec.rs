//! The types of `oci-spec` beside those of `refkit-oci`: what each of them writes, the other reads; and why descriptors are
//! not written by `oci-spec`.

use oci_spec::image as spec;
use refkit_oci::document::{self, Document, Index, Limits, media_type};
use refkit_oci::{Descriptor, Platform};

const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn oci_spec_reads_an_index_that_refkit_writes() {
    let platform = Platform { os: "linux".to_owned(), architecture: "arm".to_owned(), ..Platform::default() };
    let entry = Descriptor {
        platform: Some(Platform { variant: Some("v7".to_owned()), ..platform }),
        annotations: vec![("k".to_owned(), "v".to_owned())],
        ..Descriptor::new(media_type::MANIFEST, DIGEST.parse().unwrap(), 5)
    };
    let index = Index {
        media_type: media_type::INDEX.to_owned(),
        manifests: vec![entry],
        artifact_type: None,
        subject: None,
        annotations: Vec::new(),
        unverifiable: Vec::new(),
    };
    let read = spec::ImageIndex::from_reader(&serde_json::to_vec(&index).unwrap()[..]).unwrap();
    let [entry] = &read.manifests()[..] else { panic!("one entry") };
    assert_eq!((entry.media_type(), entry.size()), (&spec::MediaType::ImageManifest, 5));
    assert_eq!(entry.digest().to_string(), DIGEST);
    let platform = entry.platform().as_ref().unwrap();
    assert_eq!((platform.architecture(), platform.variant().as_deref()), (&spec::Arch::ARM, Some("v7")));
    assert_eq!(entry.annotations().as_ref().unwrap()["k"], "v");
    // And the other way round.
    let read = document::read(None, read.to_string().unwrap().as_bytes(), &Limits::default()).unwrap();
    assert_eq!(read, Document::Index(index));
}

/// Image-spec 1.1, section "Image Index Property Descriptions", has the member `os.version`. Once `oci-spec` writes it,
/// this test fails, and descriptors can be built with its types.
#[test]
fn oci_spec_writes_no_version_of_the_operating_system() {
    let mut platform = spec::Platform::default();
    platform.set_os_version(Some("10.0.1".to_owned()));
    let written = serde_json::to_value(&platform).unwrap();
    assert_eq!((written.get("os.version"), written["os_version"].as_str()), (None, Some("10.0.1")));
}
