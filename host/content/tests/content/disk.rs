//! The cache on disk from outside: its directory, its files, its upkeep, and directories that cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use refkit_content::disk::Prune;
use refkit_content::{CacheOptions, Cached, DiskCache, Resolve};
use tempfile::TempDir;

use crate::disk_modes::walk;
use crate::registry::Ask::{Blob, Get};
use crate::registry::Registry;
use crate::support::{expect, pinned, repository, tagged};

pub const ROOM: u64 = 64 << 20;

pub async fn open(directory: &TempDir) -> DiskCache {
    DiskCache::open(directory.path().join("cache"), ROOM).await.expect("a cache")
}

#[tokio::test]
async fn unfit_directories_are_refused_with_a_reason() {
    let marker = "RefKit content cache, format 1\n";
    let make = |name: &str| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("cache");
        fs::create_dir(&path).expect("a directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("a mode");
        let file = path.join("refkit-cache");
        match name {
            "empty" => {}
            "of its own file system" => fs::create_dir(path.join("lost+found")).expect("a directory"),
            "ours" => fs::write(file, marker).expect("a file"),
            "marker cut short" => fs::write(file, &marker[..9]).expect("a file"),
            "marker empty" => fs::write(file, "").expect("a file"),
            "readable by others" => fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode"),
            "writable by the group" => fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).expect("a mode"),
            "writable by others" => fs::set_permissions(&path, fs::Permissions::from_mode(0o702)).expect("a mode"),
            "writable by all" => fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("a mode"),
            "other files" => fs::write(path.join("thesis.tex"), "x").expect("a file"),
            "another format" => fs::write(file, "RefKit content cache, format 2\n").expect("a file"),
            "marker a link" => std::os::unix::fs::symlink("/etc/passwd", file).expect("a link"),
            "marker a directory" => fs::create_dir(file).expect("a directory"),
            "a file" => {
                fs::remove_dir(&path).expect("gone");
                fs::write(&path, "x").expect("a file");
            }
            other => panic!("{other}"),
        }
        directory
    };
    let rows = [
        ("empty", None),
        ("of its own file system", None),
        ("ours", None),
        ("marker cut short", None),
        ("marker empty", None),
        ("readable by others", None),
        ("writable by the group", Some("can be written by others (mode 0770): run `chmod 700` on it")),
        ("writable by others", Some("can be written by others (mode 0702)")),
        ("writable by all", Some("can be written by others (mode 0777)")),
        ("other files", Some("the directory holds other files, but no cache: name an empty one")),
        ("another format", Some("says `RefKit content cache, format 2`, and this version knows format 1 only: remove")),
        ("marker a link", Some("`refkit-cache` cannot be used: it is a symbolic link")),
        ("marker a directory", Some("it is a directory")),
        ("a file", Some("Not a directory")),
    ];
    for (name, error) in rows {
        let directory = make(name);
        let opened = DiskCache::open(directory.path().join("cache"), ROOM).await;
        if let Some(disk) = expect(name, opened, error) {
            assert_eq!(disk.note(), None, "{name}");
            let (registry, _) = Registry::filled().await;
            let cached = Cached::on_disk(registry, disk.clone(), CacheOptions::default());
            walk(&cached, &tagged(&repository(), "1.0")).await.expect(name);
            assert_eq!((disk.note(), disk.info().await.expect(name).contents), (None, 3), "{name}");
        }
    }
    // A directory of another user: only root owns `/`, and root can change an owner.
    let directory = make("empty");
    let path = directory.path().join("cache");
    let given = std::os::unix::fs::chown(&path, Some(12345), None).is_ok();
    let opened = DiskCache::open(if given { &path } else { Path::new("/") }, ROOM).await;
    expect("somebody else's", opened, Some("the cache's directory belongs to user"));
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let (registry, _) = Registry::filled().await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = DiskCache::open(directory.path().join("a/b/cache"), ROOM).await.expect("a cache");
    let cached = Cached::on_disk(registry, disk, CacheOptions::default());
    walk(&cached, &tagged(&repository(), "1.0")).await.expect("an image");
    let mut seen = 0;
    let mut directories = vec![directory.path().join("a")];
    while let Some(path) = directories.pop() {
        let mode = fs::metadata(&path).expect("a directory").permissions().mode() & 0o7777;
        assert_eq!(mode, 0o700, "{}", path.display());
        for entry in fs::read_dir(&path).expect("a directory") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                directories.push(entry.path());
            } else {
                let mode = entry.metadata().expect("a file").permissions().mode() & 0o7777;
                assert_eq!(mode, 0o600, "{}", entry.path().display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 9, "{seen} files: contents, grants, a tag, the key, the marker");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_opens_of_a_new_cache_share_it() {
    for _ in 0..8 {
        let (registry, index) = Registry::filled().await;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("cache");
        let opening: Vec<_> = (0..8).map(|_| tokio::spawn(DiskCache::open(path.clone(), ROOM))).collect();
        let mut first = true;
        for disk in opening {
            let disk = disk.await.expect("a task").expect("a cache");
            assert_eq!(disk.note(), None);
            let cached = Cached::on_disk(registry.clone(), disk, CacheOptions::default());
            cached.pull(&pinned(&repository(), index.digest())).await.expect("a pull");
            assert_eq!(registry.asked().len(), usize::from(std::mem::take(&mut first)));
        }
    }
}

#[tokio::test]
async fn pruning_removes_the_selected_files() {
    let rows: [(&str, Prune, (u64, u64)); 5] = [
        ("all", Prune::All, (0, 0)),
        ("to nothing", Prune::To(0), (0, 0)),
        ("to all of it", Prune::To(7 * 4096), (3, 4)),
        ("unused for an hour", Prune::Unused(Duration::from_secs(3600)), (3, 4)),
        ("unused for no time", Prune::Unused(Duration::ZERO), (0, 0)),
    ];
    for (name, what, left) in rows {
        let (registry, _) = Registry::filled().await;
        let directory = tempfile::tempdir().expect("a directory");
        let disk = open(&directory).await;
        let empty = disk.info().await.expect(name);
        assert_eq!((empty.bytes, empty.newest_use, empty.oldest_use), (0, None, None));
        let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
        walk(&cached, &tagged(&repository(), "1.0")).await.expect(name);
        let full = disk.info().await.expect(name);
        assert_eq!((full.contents, full.grants, full.tags, full.lists), (3, 3, 1, 0), "{name}");
        assert_eq!((full.bytes, full.limit, full.unfinished), (7 * 4096, ROOM, 0), "{name}");
        assert_eq!(full.path, directory.path().join("cache"));
        assert!(full.oldest_use <= full.newest_use && full.oldest_use.is_some());
        let freed = disk.prune(what).await.expect(name);
        let info = disk.info().await.expect(name);
        assert_eq!((info.contents, info.grants + info.tags), left, "{name}");
        assert_eq!((freed.contents + info.contents, freed.bytes + info.bytes), (3, 7 * 4096), "{name}");
        assert_eq!(freed.records + info.grants + info.tags, 4, "{name}");
        // The cache works again.
        walk(&cached, &tagged(&repository(), "1.0")).await.expect(name);
        assert_eq!(disk.info().await.expect(name).contents, 3, "{name}");
    }
}

#[tokio::test]
async fn a_cache_that_cannot_be_created_is_empty_and_has_a_note() {
    // Not even root can create a directory here.
    let (registry, _) = Registry::filled().await;
    let disk = DiskCache::open("/proc/self/refkit/cache", ROOM).await.expect("a cache that keeps nothing");
    let note = disk.note().expect("a note");
    assert!(note.starts_with("the cache /proc/self/refkit/cache cannot keep what was fetched: "), "{note}");
    let cached = Cached::on_disk(registry.clone(), disk.clone(), CacheOptions::default());
    for _ in 0..2 {
        walk(&cached, &tagged(&repository(), "1.0")).await.expect("an image");
        assert_eq!(registry.asked(), [Get, Blob, Blob]);
    }
    assert_eq!(disk.info().await.expect("info").contents, 0);
    assert_eq!(disk.verify(true).await.expect("a check").contents, 0);
    assert_eq!(disk.prune(Prune::All).await.expect("nothing").bytes, 0);
}

#[tokio::test]
async fn a_cache_that_is_removed_in_use_has_a_note() {
    let (registry, _) = Registry::filled().await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    fs::remove_dir_all(directory.path().join("cache")).expect("gone");
    let cached = Cached::on_disk(registry, disk.clone(), CacheOptions::default());
    walk(&cached, &tagged(&repository(), "1.0")).await.expect("an image");
    let note = disk.note().expect("a note");
    assert!(note.contains("No such file or directory") && note.contains("name another"), "{note}");
}
