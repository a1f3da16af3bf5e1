//! What is taken as a policy, and what is not.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use refkit::{AotCache, Engine, EngineOptions, LoadError, Outcome, Policy};
use refkit_tests::components::{ALLOW_LIST, DEFAULT, HOSTILE};
use refkit_tests::stage::{self, ENGINE, Stage};

async fn refused(component: impl Into<bytes::Bytes>) -> LoadError {
    match Policy::load(&ENGINE, component).await {
        Err(error) => error,
        Ok(policy) => panic!("it loaded as {}", policy.description().name),
    }
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let core = b"\0asm\x01\0\0\0".to_vec();
    type Row = (&'static str, Vec<u8>, fn(&LoadError) -> bool);
    let rows: [Row; 5] = [
        ("nothing", Vec::new(), |e| matches!(e, LoadError::Malformed(_))),
        ("text", b"policy: allow".to_vec(), |e| matches!(e, LoadError::Malformed(_))),
        ("a core module", core, |e| matches!(e, LoadError::CoreModule)),
        ("a header", HOSTILE[..8].to_vec(), |e| matches!(e, LoadError::MissingExport(_))),
        ("half", HOSTILE[..HOSTILE.len() / 2].to_vec(), |e| matches!(e, LoadError::Malformed(_))),
    ];
    for (what, bytes, expected) in rows {
        let error = refused(bytes).await;
        assert!(expected(&error), "{what}: {error:?}");
        assert_eq!(error.to_string().lines().count(), 1, "{what}: {error}");
    }
}

/// A generator with a fixed seed, so that a finding can be found again.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test]
async fn truncated_and_damaged_components_are_errors() {
    let mut state = 0x5eed;
    for _ in 0..40 {
        let cut = random(&mut state) as usize % DEFAULT.len();
        refused(DEFAULT[..cut].to_vec()).await;
    }
    for _ in 0..40 {
        let mut bytes = DEFAULT.to_vec();
        for _ in 0..8 {
            let at = random(&mut state) as usize % bytes.len();
            bytes[at] = random(&mut state) as u8;
        }
        // Damage in a name or in code may well leave a component that loads: then it is one, and no more.
        let _ = Policy::load(&ENGINE, bytes).await;
    }
    for _ in 0..20 {
        let noise = (0..4096).map(|_| random(&mut state) as u8);
        refused(b"\0asm\x0d\0\x01\0".iter().copied().chain(noise).collect::<Vec<u8>>()).await;
    }
}

/// Encodes a component that imports one interface of one function, and exports nothing.
fn importing(interface: &str) -> Vec<u8> {
    let text = format!(r#"(component (import "{interface}" (instance (export "get" (func (result string))))))"#);
    wat::parse_str(text).expect("a component")
}

#[tokio::test]
async fn imports_outside_of_the_contract_are_refused() {
    match refused(importing("wasi:cli/environment@0.2.3")).await {
        LoadError::Wasi { import, remedy } => {
            assert_eq!(import, "wasi:cli/environment@0.2.3");
            assert!(remedy.contains("wasm32-unknown-unknown"), "{remedy}");
        }
        other => panic!("{other:?}"),
    }
    for foreign in ["refkit:policy/registry@0.2.0", "example:other/thing@1.0.0"] {
        match refused(importing(foreign)).await {
            LoadError::UnknownImport(import) => assert_eq!(import, foreign),
            other => panic!("{foreign}: {other:?}"),
        }
    }
    match refused(importing("refkit:policy/clock@0.1.0")).await {
        LoadError::MissingExport(export) => assert_eq!(export, "refkit:policy/about@0.1.0"),
        other => panic!("{other:?}"),
    }
}

/// Tag poisoning: who cannot ask to write pushes and tags nothing, inside a grant or outside.
#[tokio::test]
async fn cve_2026_50195_no_policy_writes() {
    let wanted = "refkit:policy/registry-write@0.1.0";
    match refused(importing(wanted)).await {
        LoadError::UnknownImport(import) => assert_eq!(import, wanted),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_export_of_another_type_is_refused() {
    let text = r#"(component
        (instance $empty)
        (export "refkit:policy/about@0.1.0" (instance $empty))
        (export "refkit:policy/resolver@0.1.0" (instance $empty)))"#;
    assert!(matches!(refused(wat::parse_str(text).expect("a component")).await, LoadError::Mismatch(_)));
}

#[tokio::test]
async fn a_component_asks_for_what_it_imports() {
    let rows = [(DEFAULT, vec!["registry"]), (ALLOW_LIST, vec!["chain", "settings"])];
    for (component, imports) in rows {
        let policy = Policy::load(&ENGINE, component).await.unwrap();
        assert_eq!(policy.imports(), imports, "{}", policy.description().name);
    }
}

#[test]
fn the_default_policy_is_small() {
    assert!(DEFAULT.len() <= 150 << 10, "{} bytes", DEFAULT.len());
}

#[tokio::test]
async fn size_and_time_of_compiling_are_bounded() {
    let small = Engine::new(EngineOptions { max_component: 1000, runs: 2, ..EngineOptions::default() }).unwrap();
    match Policy::load(&small, DEFAULT).await {
        Err(LoadError::TooLarge { size, limit: 1000 }) => assert_eq!(size, DEFAULT.len() as u64),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it loaded"),
    }
    let fast = EngineOptions { max_compile_time: Duration::from_micros(1), runs: 2, ..EngineOptions::default() };
    match Policy::load(&Engine::new(fast).unwrap(), DEFAULT).await {
        Err(LoadError::TooSlow(limit)) => assert_eq!(limit, Duration::from_micros(1)),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it compiled"),
    }
}

/// An engine with a cache, and the cache's directory.
fn cached(folder: &Path) -> Engine {
    let cache = AotCache::open(folder).expect("a private directory");
    Engine::new(EngineOptions { cache: Some(cache), runs: 2, ..EngineOptions::default() }).unwrap()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

async fn runs(engine: &Engine) {
    let policy = Policy::load(engine, ALLOW_LIST).await.unwrap();
    assert_eq!(policy.description().name, "allow-list");
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
    let rows: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("truncated", good[..good.len() - 1].to_vec()),
        ("longer", [&good[..], b"x"].concat()),
        ("another format", flip(0)),
        ("another digest", flip(20)),
        ("another code", flip(good.len() / 2)),
    ];
    for (what, bytes) in rows {
        std::fs::write(entry, bytes).unwrap();
        runs(&cached(&folder)).await;
        assert!(std::fs::read(entry).unwrap() == good, "{what}: the entry was not repaired");
    }

    // Readable by others is no harm; writable by others is.
    std::fs::set_permissions(entry, std::fs::Permissions::from_mode(0o666)).unwrap();
    runs(&cached(&folder)).await;
    assert_eq!(std::fs::metadata(entry).unwrap().permissions().mode() & 0o022, 0, "the entry was not replaced");

    // A link is not followed, wherever it leads.
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
    assert_eq!(AotCache::open(folder.path()).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(AotCache::open(file).is_err());
}

/// The default policy, compiled when the program was built, works on this machine without a compiler.
#[tokio::test]
async fn the_embedded_policy_is_not_compiled() {
    let nothing = EngineOptions { max_component: 0, runs: 2, ..EngineOptions::default() };
    let engine = Engine::new(nothing).unwrap();
    let policy = refkit::default_policy(&engine).await.expect("no compile is needed");
    assert_eq!(policy.description().name, "default");
    let outcome = Stage::new().resolver().await.resolve(stage::request("registry.test/app:1")).await;
    assert!(matches!(outcome, Ok(Outcome::Resolved(_))), "{outcome:?}");
}
