//! A damaged file counts as absent, is removed, and its content is fetched again.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use refkit_content::{CacheOptions, Cached, MANIFEST_LIMIT, Resolve, fetch};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::disk::open;
use crate::registry::Ask::{Get, Head};
use crate::registry::Registry;
use crate::support::{repository, tagged};

/// A change of a file.
pub type Damage = fn(&Path);

fn gone(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("a file");
    fs::remove_file(path).expect("gone");
    bytes
}

pub fn every_damage() -> Vec<(&'static str, &'static str, Damage)> {
    let flip: Damage = |path| {
        let mut bytes = fs::read(path).expect("a file");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(path, bytes).expect("a file");
    };
    let cut: Damage = |path| {
        let bytes = fs::read(path).expect("a file");
        fs::write(path, &bytes[..bytes.len() / 2]).expect("a file");
    };
    let longer: Damage = |path| {
        let mut bytes = fs::read(path).expect("a file");
        bytes.push(b'\n');
        fs::write(path, bytes).expect("a file");
    };
    let empty: Damage = |path| fs::write(path, b"").expect("a file");
    let zeros: Damage = |path| {
        let size = fs::metadata(path).expect("a file").len();
        fs::write(path, vec![0; size as usize]).expect("a file");
    };
    // A link counts as damage even if its target has the right bytes.
    let link: Damage = |path| {
        let elsewhere = path.parent().and_then(Path::parent).expect("a parent").join("elsewhere");
        fs::write(&elsewhere, gone(path)).expect("a file");
        symlink(elsewhere, path).expect("a link");
    };
    let fifo: Damage = |path| {
        gone(path);
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    };
    let directory: Damage = |path| {
        let bytes = gone(path);
        fs::create_dir_all(path.join("in/it")).expect("a directory");
        fs::write(path.join("in/it/file"), bytes).expect("a file");
    };
    vec![
        ("flipped", "digest|seal", flip),
        ("cut short", "digest|seal", cut),
        ("longer", "digest|seal", longer),
        ("empty", "digest|seal", empty),
        ("zeros", "digest|seal", zeros),
        ("a link", "it is a symbolic link", link),
        ("a FIFO", "it is a named pipe", fifo),
        ("a directory", "it is a directory", directory),
    ]
}

pub fn only_file(directory: PathBuf) -> PathBuf {
    let mut entries = fs::read_dir(directory).expect("a directory");
    let path = entries.next().expect("an entry").expect("an entry").path();
    assert!(entries.next().is_none(), "more than one beside {}", path.display());
    path
}

#[tokio::test]
async fn each_kind_of_damage_is_detected_and_repaired() {
    for (kind, said, damage) in every_damage() {
        for place in ["blobs/sha256", "grants", "tags"] {
            for repair in [false, true] {
                let name = format!("{kind} in {place}, repair: {repair}");
                let (registry, index) = Registry::filled().await;
                let directory = tempfile::tempdir().expect("a directory");
                let disk = open(&directory).await;
                let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
                let tag = tagged(&repository(), "1.0");
                cached.pull(&tag).await.expect(&name);
                let path = only_file(disk.path().join(place));
                damage(&path);
                let checked = disk.verify(repair).await.expect(&name);
                let [wrong] = &checked.wrong[..] else { panic!("{name}: {:?}", checked.wrong) };
                assert!(wrong.path.starts_with(place), "{name}: {wrong}");
                assert!(said.split('|').any(|said| wrong.what.contains(said)), "{name}: {wrong}");
                assert_eq!(checked.removed, u64::from(repair), "{name}");
                assert_eq!(fs::symlink_metadata(&path).is_err(), repair, "{name}");
                registry.asked();
                let pulled = cached.pull(&tag).await.expect(&name);
                assert_eq!(pulled.value.bytes, index.bytes, "{name}");
                assert_eq!(registry.asked(), [Get], "{name}");
                cached.pull(&tag).await.expect(&name);
                assert_eq!(registry.asked(), [Head], "{name}");
                let checked = disk.verify(false).await.expect(&name);
                assert_eq!((checked.wrong, checked.contents, checked.records), (vec![], 1, 2), "{name}");
                assert_eq!(disk.note(), None, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_record_under_another_name_counts_as_absent() {
    let registry = Registry::new();
    registry.image("old", b"old").await;
    let new = registry.image("new", b"new").await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
    cached.resolve(&tagged(&repository(), "old")).await.expect("a tag");
    let old = only_file(disk.path().join("tags"));
    let bytes = gone(&old);
    cached.resolve(&tagged(&repository(), "new")).await.expect("a tag");
    // The record of one tag under the name of the other.
    fs::write(only_file(disk.path().join("tags")), bytes).expect("a file");
    assert_eq!(disk.verify(false).await.expect("a check").wrong.len(), 1);
    let offline = cached.for_run(CacheOptions::default().offline(true));
    offline.resolve(&tagged(&repository(), "new")).await.expect_err("nothing is known");
    cached.resolve(&tagged(&repository(), "new")).await.expect("a tag");
    assert_eq!(offline.resolve(&tagged(&repository(), "new")).await.expect("a tag").value.digest, *new.digest());
}

#[tokio::test]
async fn a_cache_restores_its_damaged_directories() {
    let as_file: Damage = |path| {
        fs::remove_dir_all(path).expect("gone");
        fs::write(path, b"x").expect("a file");
    };
    let as_link: Damage = |path| {
        let elsewhere = path.with_file_name("elsewhere");
        fs::rename(path, &elsewhere).expect("a directory");
        symlink(elsewhere, path).expect("a link");
    };
    let missing: Damage = |path| fs::remove_dir_all(path).expect("gone");
    let mut rows: Vec<(&str, &str, Damage)> = vec![];
    for place in ["blobs", "blobs/sha256", "grants", "tags", "unfinished"] {
        rows.extend([("a file", place, as_file), ("a link", place, as_link), ("missing", place, missing)]);
    }
    for (kind, _, damage) in every_damage() {
        // A key has no check of its own: a flipped bit makes another key.
        rows.push((kind, "key", damage));
    }
    for (kind, place, damage) in rows {
        let name = format!("{place}: {kind}");
        let (registry, index) = Registry::filled().await;
        let directory = tempfile::tempdir().expect("a directory");
        let cached = Cached::on_disk(registry.clone(), open(&directory).await, CacheOptions::default());
        let tag = tagged(&repository(), "1.0");
        cached.pull(&tag).await.expect(&name);
        drop(cached);
        damage(&directory.path().join("cache").join(place));
        for _ in 0..2 {
            let disk = open(&directory).await;
            let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
            assert_eq!(cached.pull(&tag).await.expect(&name).value.bytes, index.bytes, "{name}");
            fetch(&cached, &repository(), &index.children()[0].descriptor, MANIFEST_LIMIT).await.expect(&name);
            assert_eq!(disk.note(), None, "{name}");
            registry.asked();
        }
        let disk = open(&directory).await;
        let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
        cached.pull(&tag).await.expect(&name);
        assert_eq!(registry.asked(), [Head], "{name}");
        // Records with the seal of another key are useless.
        disk.verify(true).await.expect(&name);
        assert_eq!(disk.verify(false).await.expect(&name).wrong, [], "{name}");
    }
}
