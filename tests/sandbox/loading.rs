//! Which components are accepted as policies.

use std::time::Duration;

use refkit::{AotCache, Compiler, CompilerProcess, Engine, EngineOptions, LoadError, Policy, PublishingPolicy};
use refkit_support::bomb;
use refkit_tests::components::{ALLOW_LIST, DEFAULT, HOSTILE};
use refkit_tests::stage::ENGINE;

async fn refused(component: impl Into<bytes::Bytes>) -> LoadError {
    match Policy::load(&ENGINE, component).await {
        Err(error) => error,
        Ok(policy) => panic!("it loaded as {}", policy.description().name),
    }
}

#[tokio::test]
async fn bytes_that_are_no_component_are_refused() {
    let core = b"\0asm\x01\0\0\0".to_vec();
    type Row = (&'static str, Vec<u8>, fn(&LoadError) -> bool);
    let rows: [Row; 5] = [
        ("nothing", Vec::new(), |e| matches!(e, LoadError::Malformed(_))),
        ("text", b"policy: allow".to_vec(), |e| matches!(e, LoadError::Malformed(_))),
        ("a core module", core, |e| matches!(e, LoadError::CoreModule)),
        ("a header", HOSTILE[..8].to_vec(), |e| matches!(e, LoadError::MissingExport { .. })),
        ("half", HOSTILE[..HOSTILE.len() / 2].to_vec(), |e| matches!(e, LoadError::Malformed(_))),
    ];
    for (what, bytes, expected) in rows {
        let error = refused(bytes).await;
        assert!(expected(&error), "{what}: {error:?}");
        assert_eq!(error.to_string().lines().count(), 1, "{what}: {error}");
    }
}

/// A generator with a fixed seed, so that a finding can be reproduced.
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
        // Damage in a name or in code may leave a valid component, which may load.
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
            LoadError::UnknownImport { import, world: "policy" } => assert_eq!(import, foreign),
            other => panic!("{foreign}: {other:?}"),
        }
    }
    match refused(importing("refkit:policy/clock@0.1.0")).await {
        LoadError::MissingExport { export, world: "policy" } => assert_eq!(export, "refkit:policy/about@0.1.0"),
        other => panic!("{other:?}"),
    }
}

/// A compiler that fails if it is started.
fn no_compiler() -> EngineOptions {
    let process = CompilerProcess { program: "/nowhere/compiler".into(), ..CompilerProcess::this_program() };
    EngineOptions { compiler: Compiler::Process(process), runs: 2, ..EngineOptions::default() }
}

/// The bytes of a component are enough to refuse it: the compiler does not start, and nothing is kept.
#[tokio::test]
async fn a_refused_component_is_not_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let cache = AotCache::open(folder.path(), 1 << 30).unwrap();
    let engine = Engine::new(EngineOptions { cache: Some(cache), ..no_compiler() }).unwrap();
    type Row = (&'static str, Vec<u8>, fn(&LoadError) -> bool);
    let rows: [Row; 8] = [
        ("a core module", b"\0asm\x01\0\0\0".to_vec(), |e| matches!(e, LoadError::CoreModule)),
        ("half", HOSTILE[..HOSTILE.len() / 2].to_vec(), |e| matches!(e, LoadError::Malformed(_))),
        ("WASI", importing("wasi:cli/environment@0.2.3"), |e| matches!(e, LoadError::Wasi { .. })),
        ("a foreign import", importing("example:other/thing@1.0.0"), |e| matches!(e, LoadError::UnknownImport { .. })),
        ("no export", importing("refkit:policy/clock@0.1.0"), |e| matches!(e, LoadError::MissingExport { .. })),
        ("functions", bomb::functions(100_001), |e| matches!(e, LoadError::TooMany { what: "functions", .. })),
        ("segments", bomb::segments(100_001), |e| matches!(e, LoadError::TooMany { what: "data segments", .. })),
        ("types", bomb::types(400_000), |e| matches!(e, LoadError::TooMany { limit: 0x40_0000, .. })),
    ];
    for (what, bytes, expected) in rows {
        let error = Policy::load(&engine, bytes).await.err().unwrap_or_else(|| panic!("{what}: it loaded"));
        assert!(expected(&error), "{what}: {error:?}");
    }
    // The compiler starts for a component that passes.
    let error = Policy::load(&engine, ALLOW_LIST).await.err().expect("there is no compiler");
    assert!(matches!(&error, LoadError::Compiler(text) if text.contains("it cannot be run")), "{error:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was kept");
}

/// A component that is refused after it was compiled is not kept either.
#[tokio::test]
async fn a_misfit_component_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = AotCache::open(folder.path(), 1 << 30).unwrap();
    let engine = Engine::new(EngineOptions { cache: Some(cache), runs: 2, ..EngineOptions::default() }).unwrap();
    let error = Policy::load(&engine, bomb::functions(10)).await.err().expect("its exports have no functions");
    assert!(matches!(error, LoadError::Mismatch(_)), "{error:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was kept");
}

/// Tag poisoning: a policy without the import cannot push or tag anything, inside a grant or outside.
#[tokio::test]
async fn cve_2026_50195_no_policy_writes() {
    let wanted = "refkit:policy/registry-write@0.1.0";
    match refused(importing(wanted)).await {
        LoadError::UnknownImport { import, world: "policy" } => assert_eq!(import, wanted),
        other => panic!("{other:?}"),
    }
}

/// A component is checked against the world that it is loaded as.
#[tokio::test]
async fn a_policy_of_the_other_world_is_refused() {
    let engine = Engine::new(no_compiler()).unwrap();
    let refused = async |bytes: Vec<u8>| PublishingPolicy::load(&engine, bytes).await.err().expect("another world");
    match refused(ALLOW_LIST.to_vec()).await {
        LoadError::MissingExport { export, world: "publishing-policy" } => {
            assert_eq!(export, "refkit:policy/publisher@0.1.0");
        }
        other => panic!("{other:?}"),
    }
    // It may import more than a policy.
    for import in ["registry-write", "publishing-chain", "publication", "registry", "chain"] {
        let error = refused(importing(&format!("refkit:policy/{import}@0.1.0"))).await;
        assert!(matches!(error, LoadError::MissingExport { .. }), "{import}: {error:?}");
    }
    for import in ["refkit:policy/publisher@0.1.0", "refkit:policy/registry-write@0.2.0"] {
        let error = refused(importing(import)).await;
        assert!(matches!(error, LoadError::UnknownImport { .. }), "{import}: {error:?}");
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
    let compiler = Compiler::InProcess { time: Duration::from_micros(1) };
    let fast = EngineOptions { compiler, runs: 2, ..EngineOptions::default() };
    match Policy::load(&Engine::new(fast).unwrap(), DEFAULT).await {
        Err(LoadError::CompileWall { limit }) => assert_eq!(limit, Duration::from_micros(1)),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it compiled"),
    }
}
