//! Locks replay from their recordings, without a request.

use std::fs;

use crate::lock::Place;
use crate::run::policy;

#[test]
fn a_lock_replays_without_a_request() {
    let place = Place::new();
    let label = policy("require-label");
    let policies = ["--policy", &label, "--set", "label=example.team"];
    let ran = place.run(&[&[place.app().as_str(), "--record", "record"][..], &policies].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    let lock = place.lock();

    let offline = [&["--offline", "--record", "record"][..], &policies].concat();
    place.registry.clear();
    place.move_tag();
    let again = place.run(&offline);
    assert_eq!((again.code, again.text(), again.stderr.as_str()), (0, ran.text(), ""));
    assert_eq!((place.registry.count("*"), place.lock()), (0, lock));
    let source_policy = place.run(&[&offline[..], &["--format", "buildkit"]].concat());
    assert_eq!((source_policy.code, &source_policy.json()["version"]), (0, &1.into()));

    // Another chain, or another setting of it, is refused.
    for other in [&[][..], &["--policy", &label, "--set", "label=other"]] {
        let ran = place.run(&[&["--offline", "--record", "record"][..], other].concat());
        assert!(ran.code == 1 && ran.stderr.contains("the lock was made with other policies"), "{}", ran.all());
    }
    // What the lock lacks is said offline as well.
    let ran = place.run(&[&offline[..], &["registry.test/other:1"]].concat());
    assert!(
        ran.code == 1 && ran.text().contains("moved: registry.test/other:1 (linux/amd64) is not in the lock"),
        "{}",
        ran.all()
    );
    assert_eq!(place.registry.count("*"), 0);
}

#[test]
fn what_is_missing_or_damaged_is_said() {
    let place = Place::new();
    assert_eq!(place.run(&[&place.app()]).code, 0);
    let lock = place.lock();
    let offline = || place.run(&["--offline", "--record", "record"]);
    let ran = offline();
    assert!(
        ran.code == 1 && ran.stderr.contains("is not in record\n  lock it again with --record DIR"),
        "{}",
        ran.all()
    );

    // A later run that keeps recordings leaves the same lock.
    assert_eq!(place.run(&[&place.app(), "--record", "record"]).code, 0);
    assert_eq!((place.lock(), offline().code), (lock, 0));
    let blobs: Vec<_> =
        fs::read_dir(place.path("record/blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(blobs.len(), 2, "the recording and the index");
    for blob in blobs {
        let bytes = fs::read(&blob).unwrap();
        fs::write(&blob, b"{}").unwrap();
        let ran = offline();
        assert!(ran.code == 1 && ran.stderr.contains("has another digest than the name of the file"), "{}", ran.all());
        fs::remove_file(&blob).unwrap();
        let ran = offline();
        assert!(ran.code == 1 && ran.stderr.contains("is not in record"), "{}", ran.all());
        fs::write(&blob, bytes).unwrap();
    }
    assert_eq!(offline().code, 0);
}
