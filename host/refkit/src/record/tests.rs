//! The directory of recordings: what is damaged or missing in it is said.

use std::fs;

use super::*;

fn recording() -> Recording {
    let text = r#"{"version": 1, "observations": [
        {"at": 9, "took": 1, "call": {"resolve": {"reference": "registry.test/app:2"}},
         "error": {"code": "not-found", "message": "there is none"}},
        {"policy": "default", "at": 3, "took": 5, "call": {"resolve": {"reference": "registry.test/app:1"}},
         "answer": {"from": {"host": "registry.test"}, "descriptor": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 7,
            "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}}
    ]}"#;
    let observed: ObservationsDocument = serde_json::from_str(text).unwrap();
    let contents = ["one", "two"].map(|text| (verify::digest(Algorithm::Sha256, text.as_bytes()), Bytes::from(text)));
    Recording::new(observed.settled(), Some(7), contents.into())
}

#[test]
fn what_is_settled_has_no_times_and_an_order() {
    let recording = recording();
    assert_eq!(recording.observations().settled(), *recording.observations());
    let text = String::from_utf8(recording.to_json()).unwrap();
    let places = ["app:1", "app:2"].map(|name| text.find(name).expect(name));
    assert!(places[0] < places[1] && !text.contains("took") && !text.contains("host"), "{text}");
}

#[test]
fn a_recording_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path().join("new"));
    let recording = recording();
    let digest = store.put(&recording).unwrap();
    assert_eq!(digest, recording.digest());
    assert_eq!(store.get(&digest).unwrap(), recording);
    assert_eq!(store.put(&recording).unwrap(), digest);
}

#[test]
fn what_is_damaged_in_a_directory_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path());
    let recording = recording();
    let digest = store.put(&recording).unwrap();
    let path = |digest: &Digest| directory.path().join("blobs/sha256").join(digest.hex());
    let (content, _) = recording.contents().next().unwrap();

    // One after the other: the recording, then a content of it.
    for (name, of) in [("recording", &digest), ("content", content)] {
        let bytes = fs::read(path(of)).unwrap();
        fs::write(path(of), b"other").unwrap();
        assert!(matches!(store.get(&digest), Err(StoreError::Damaged(at)) if at == path(of)), "{name}");
        fs::remove_file(path(of)).unwrap();
        assert!(matches!(store.get(&digest), Err(StoreError::Missing { digest, .. }) if digest == *of), "{name}");
        fs::create_dir(path(of)).unwrap();
        assert!(matches!(store.get(&digest), Err(StoreError::Io { path: at, .. }) if at == path(of)), "{name}");
        fs::remove_dir(path(of)).unwrap();
        fs::write(path(of), bytes).unwrap();
    }
    // A content of another recording is none by itself.
    let malformed = store.get(content).unwrap_err().to_string();
    assert!(malformed.contains(content.hex()) && malformed.ends_with("at line 1 column 2"), "{malformed}");
}
