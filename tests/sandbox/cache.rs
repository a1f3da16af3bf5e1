//! The cache of compiled components: an entry is the compiled code, and the cache keeps within its limit.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use refkit::aot::Prune;
use refkit::{AotCache, Engine, EngineOptions, Policy};
use refkit_tests::components::{ALLOW_LIST, NEWEST_TAG, REDIRECT, REQUIRE_LABEL};

/// Returns an engine with a cache in a directory.
fn cached(folder: &Path) -> Engine {
    limited(folder, 1 << 30)
}

fn limited(folder: &Path, limit: u64) -> Engine {
    let cache = AotCache::open(folder, limit).expect("a private directory");
    Engine::new(EngineOptions { cache: Some(cache), runs: 2, ..EngineOptions::default() }).unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "cwasm"));
    paths.sort();
    paths
}

async fn runs(engine: &Engine) {
    named(engine, ALLOW_LIST, "allow-list").await;
}

async fn named(engine: &Engine, component: &'static [u8], name: &str) {
    assert_eq!(Policy::load(engine, component).await.unwrap().description().name, name);
}

#[tokio::test]
async fn a_damaged_or_foreign_entry_is_compiled_again_and_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("aot");
    runs(&cached(&folder)).await;
    let [entry] = &entries(&folder)[..] else { panic!("one component, one entry") };
    let good = std::fs::read(entry).unwrap();

    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let end = good.len();
    let rows: [(&str, Vec<u8>); 10] = [
        ("empty", Vec::new()),
        ("truncated", good[..end - 1].to_vec()),
        ("longer", [&good[..], b"x"].concat()),
        ("no code", good[end - 112..].to_vec()),
        ("another code", flip(end / 2)),
        ("another beginning", flip(0)),
        ("another format", flip(end - 112)),
        ("another component", flip(end - 96)),
        ("another engine", flip(end - 64)),
        ("another digest", flip(end - 32)),
    ];
    for (what, bytes) in rows {
        std::fs::write(entry, bytes).unwrap();
        runs(&cached(&folder)).await;
        assert!(std::fs::read(entry).unwrap() == good, "{what}: the entry was not repaired");
    }

    // Other users may read an entry, but must not be able to write it.
    std::fs::set_permissions(entry, std::fs::Permissions::from_mode(0o666)).unwrap();
    runs(&cached(&folder)).await;
    assert_eq!(std::fs::metadata(entry).unwrap().permissions().mode() & 0o022, 0, "the entry was not replaced");

    // A link is not followed, whatever its target.
    let elsewhere = folder.join("elsewhere");
    std::fs::rename(entry, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, entry).unwrap();
    runs(&cached(&folder)).await;
    assert!(!std::fs::symlink_metadata(entry).unwrap().is_symlink(), "the link was followed");
}

#[test]
fn a_directory_that_others_can_write_to_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(AotCache::open(folder.path(), 0).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(AotCache::open(file, 0).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
}

/// An entry belongs to one component: it is not loaded under the name of another one, even if it is intact.
#[tokio::test]
async fn entries_that_were_swapped_are_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    named(&cached(folder.path()), ALLOW_LIST, "allow-list").await;
    let [first] = &entries(folder.path())[..] else { panic!("one component, one entry") };
    named(&cached(folder.path()), REDIRECT, "redirect").await;
    let second = entries(folder.path()).into_iter().find(|path| path != first).unwrap();
    let good = [std::fs::read(first).unwrap(), std::fs::read(&second).unwrap()];
    let swap = || {
        let other = folder.path().join("other");
        std::fs::rename(first, &other).unwrap();
        std::fs::rename(&second, first).unwrap();
        std::fs::rename(other, &second).unwrap();
    };
    swap();
    let checked = AotCache::open(folder.path(), 1 << 30).unwrap().verify(false).unwrap();
    assert_eq!((checked.entries, checked.wrong.len(), checked.removed), (2, 2, 0), "{checked:?}");
    assert!(checked.wrong[0].what.contains("another component"), "{checked:?}");
    named(&cached(folder.path()), ALLOW_LIST, "allow-list").await;
    named(&cached(folder.path()), REDIRECT, "redirect").await;
    assert!(good == [std::fs::read(first).unwrap(), std::fs::read(&second).unwrap()], "they were not repaired");
}

fn set_used(path: &Path, ago: Duration) {
    File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - ago).unwrap();
}

/// The least recently used entry is evicted first; a use is recorded to the minute.
#[tokio::test]
async fn the_cache_keeps_to_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let all = [(ALLOW_LIST, "allow-list"), (REQUIRE_LABEL, "require-label"), (NEWEST_TAG, "newest-tag")];
    let mut paths = Vec::new();
    for (hours, (component, name)) in [3, 2, 1].into_iter().zip(all) {
        named(&cached(folder.path()), component, name).await;
        let path = entries(folder.path()).into_iter().find(|path| !paths.contains(path)).unwrap();
        set_used(&path, Duration::from_secs(hours * 3600));
        paths.push(path);
    }
    // The oldest entry is used, and is then the newest.
    runs(&cached(folder.path())).await;
    let cache = AotCache::open(folder.path(), 1 << 30).unwrap();
    let info = cache.info().unwrap();
    assert_eq!((info.entries, info.unfinished, &*info.directory), (3, 0, folder.path()));
    assert!(info.newest_use.unwrap() > SystemTime::now() - Duration::from_secs(600), "{info:?}");
    let mut uses = cache.uses().unwrap();
    uses.sort();
    assert_eq!((uses.len(), uses.iter().map(|(_, cost)| cost).sum::<u64>()), (3, info.bytes));
    assert_eq!((uses.first().map(|(at, _)| *at), uses.last().map(|(at, _)| *at)), (info.oldest_use, info.newest_use));

    // The limit equals the present size, so a fourth entry evicts the least recently used one.
    named(&limited(folder.path(), info.bytes), REDIRECT, "redirect").await;
    let there = paths.iter().map(|path| path.exists()).collect::<Vec<_>>();
    assert_eq!((there, entries(folder.path()).len()), (vec![true, false, true], 3));
    let now = cache.info().unwrap();
    assert!(now.bytes <= info.bytes, "{now:?}");
    // Code beyond the limit is compiled and not kept, and evicts nothing.
    let before = entries(folder.path());
    named(&limited(folder.path(), 4096), REQUIRE_LABEL, "require-label").await;
    assert_eq!(entries(folder.path()), before);
}

#[tokio::test]
async fn the_cache_is_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let cache = AotCache::open(folder.path(), 1 << 30).unwrap();
    named(&cached(folder.path()), REDIRECT, "redirect").await;
    let [old] = &entries(folder.path())[..] else { panic!("one component, one entry") };
    set_used(old, Duration::from_secs(7200));
    runs(&cached(folder.path())).await;
    // A file that a killed process left, and a file that is being written.
    std::fs::write(folder.path().join(".killed"), "half").unwrap();
    let writing = File::create(folder.path().join(".writing")).unwrap();
    writing.try_lock().unwrap();
    // Foreign files stay.
    std::fs::write(folder.path().join("note"), "mine").unwrap();
    assert_eq!(cache.info().unwrap().unfinished, 1);

    let freed = cache.prune(Prune::Unused(Duration::from_secs(3600))).unwrap();
    assert_eq!((freed.entries, freed.unfinished, old.exists()), (1, 1, false), "{freed:?}");
    let freed = cache.prune(Prune::To(1 << 30)).unwrap();
    assert_eq!((freed.entries, freed.bytes), (0, 0), "{freed:?}");
    let left = cache.info().unwrap().bytes;
    let freed = cache.prune(Prune::To(left - 1)).unwrap();
    assert_eq!((freed.entries, freed.bytes), (1, left), "{freed:?}");
    runs(&cached(folder.path())).await;
    assert_eq!(cache.prune(Prune::All).unwrap().entries, 1);
    assert_eq!(entries(folder.path()), Vec::<PathBuf>::new());
    assert!(folder.path().join(".writing").exists() && folder.path().join("note").exists());
}

#[tokio::test]
async fn damaged_entries_are_found_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = AotCache::open(folder.path(), 1 << 30).unwrap();
    runs(&cached(folder.path())).await;
    let [entry] = &entries(folder.path())[..] else { panic!("one component, one entry") };
    let whole = cache.verify(false).unwrap();
    assert_eq!((whole.entries, whole.bytes), (1, std::fs::metadata(entry).unwrap().len()));
    assert!(whole.wrong.is_empty(), "{whole:?}");
    let write = |name: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::copy(entry, &path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("writable.cwasm", 0o666);
    write("renamed.cwasm", 0o600);
    std::fs::write(folder.path().join("old.cwasm"), "refkit aot v1").unwrap();
    std::fs::create_dir(folder.path().join("directory.cwasm")).unwrap();
    std::os::unix::fs::symlink(entry, folder.path().join("link.cwasm")).unwrap();
    let found = cache.verify(false).unwrap();
    let mut names: Vec<&str> = found.wrong.iter().map(|wrong| wrong.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["directory.cwasm", "link.cwasm", "old.cwasm", "renamed.cwasm", "writable.cwasm"]);
    assert_eq!(cache.verify(true).unwrap().removed, 5);
    assert_eq!(entries(folder.path()), std::slice::from_ref(entry));
    assert!(cache.verify(false).unwrap().wrong.is_empty());
}

/// An unusable cache costs another compilation the next time, and nothing else.
#[tokio::test]
async fn policies_run_without_a_usable_cache() {
    let folder = tempfile::tempdir().unwrap();
    let engine = cached(&folder.path().join("aot"));
    std::fs::remove_dir(folder.path().join("aot")).unwrap();
    std::fs::write(folder.path().join("aot"), "a file").unwrap();
    runs(&engine).await;
}
