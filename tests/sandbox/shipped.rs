//! Code beside a component in an image: the engine loads it if it fits and no other user can have written it, and
//! otherwise compiles the component.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use refkit::{Engine, EngineOptions, LoadError, Policy, Shipped};
use refkit_tests::components::{ALLOW_LIST, DEFAULT};
use tempfile::TempDir;

/// The target of a static program for this machine's architecture, whichever C library this test uses.
const TARGET: &str =
    if cfg!(target_arch = "x86_64") { "x86_64-unknown-linux-musl" } else { "aarch64-unknown-linux-musl" };

/// Returns a directory below that of this program, for this user alone, with an entry beside a component.
fn beside(entry: &[u8]) -> (TempDir, PathBuf) {
    let program = std::env::current_exe().unwrap();
    let directory = tempfile::tempdir_in(program.parent().unwrap()).unwrap();
    let component = write(directory.path(), entry);
    (directory, component)
}

fn write(directory: &Path, entry: &[u8]) -> PathBuf {
    let path = directory.join("00-policy.cwasm");
    std::fs::write(&path, entry).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    directory.join("00-policy.wasm")
}

/// Returns an engine that compiles nothing.
fn no_compiler() -> Engine {
    Engine::new(EngineOptions { max_component: 0, runs: 2, ..EngineOptions::default() }).unwrap()
}

/// Returns whether the engine loads the code in an entry for a component without compiling.
async fn is_loaded(entry: &[u8], component: &'static [u8]) -> bool {
    let (_directory, path) = beside(entry);
    let shipped = Shipped::beside_program(&path).expect("nobody else can have written it");
    match Policy::shipped(&no_compiler(), component, &shipped).await {
        Ok(policy) => {
            let loaded = Policy::load(policy.engine(), component).await;
            assert!(matches!(loaded, Err(LoadError::TooLarge { .. })), "the engine compiles");
            true
        }
        Err(LoadError::TooLarge { .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn code_for_the_target_is_loaded() {
    let code = Engine::precompile_for(TARGET, ALLOW_LIST).unwrap();
    let good = Shipped::encode(ALLOW_LIST, &code);
    assert!(is_loaded(&good, ALLOW_LIST).await);
    assert_eq!(Shipped::code(&good, ALLOW_LIST), Some(&code[..]));
    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let other = Engine::precompile_for(TARGET, DEFAULT).unwrap();
    let rows: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("truncated", good[..good.len() - 1].to_vec()),
        ("longer", [&good[..], b"x"].concat()),
        ("another format", flip(good.len() - 1)),
        ("another checksum of the code", flip(good.len() - 17)),
        ("another component", flip(good.len() - 21)),
        ("another code", flip(good.len() / 2)),
        ("another component's", Shipped::encode(DEFAULT, &other)),
        ("what wasmtime does not take", Shipped::encode(ALLOW_LIST, b"code")),
    ];
    for (what, entry) in rows {
        assert!(!is_loaded(&entry, ALLOW_LIST).await, "{what}");
    }
}

#[tokio::test]
async fn code_that_does_not_fit_is_compiled_again() {
    let (_directory, path) = beside(b"damaged");
    let shipped = Shipped::beside_program(&path).unwrap();
    let engine = Engine::new(EngineOptions { runs: 2, ..EngineOptions::default() }).unwrap();
    let policy = Policy::shipped(&engine, ALLOW_LIST, &shipped).await.unwrap();
    assert_eq!(policy.description().name, "allow-list");
}

#[test]
fn only_code_beside_the_program_is_loaded() {
    let taken = |path: &Path| Shipped::beside_program(path).is_some();
    let (directory, path) = beside(b"entry");
    let file = path.with_extension("cwasm");
    assert!(taken(&path));
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for (what, own, bad) in [(directory.path(), 0o755, 0o775), (directory.path(), 0o755, 0o757), (&file, 0o644, 0o666)]
    {
        mode(what, bad);
        assert!(!taken(&path), "{}: {bad:o}", what.display());
        mode(what, own);
        assert!(taken(&path));
    }
    // A directory elsewhere.
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(!taken(&write(elsewhere.path(), b"entry")));
    // The target of a link counts.
    std::fs::remove_file(&file).unwrap();
    symlink(elsewhere.path().join("00-policy.cwasm"), &file).unwrap();
    assert!(!taken(&path));
    std::fs::remove_file(&file).unwrap();
    assert!(!taken(&path), "there is nothing");
    std::fs::create_dir(&file).unwrap();
    assert!(!taken(&path), "a directory");
}
