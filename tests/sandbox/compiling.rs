//! Compiling in a separate process, which is the `refkit` that `make` built.

use std::time::{Duration, Instant};

use bytes::Bytes;
use refkit::{AotCache, Compiler, CompilerProcess, Engine, EngineOptions, LoadError, Policy};
use refkit_support::bomb;
use refkit_tests::components::{ALLOW_LIST, REDIRECT};

use crate::memory::{alone, peak};

/// Returns the compiler with some limits.
fn process(memory: u64, cpu: Duration) -> CompilerProcess {
    let program = refkit_support::command().unwrap_or_else(|error| panic!("{error}"));
    CompilerProcess { program, memory, cpu, ..CompilerProcess::this_program() }
}

fn engine(process: CompilerProcess) -> Engine {
    let compiler = Compiler::Process(process);
    Engine::new(EngineOptions { compiler, runs: 2, ..EngineOptions::default() }).unwrap()
}

async fn refused(process: CompilerProcess, component: impl Into<Bytes>) -> LoadError {
    Policy::load(&engine(process), component).await.err().expect("it is refused")
}

/// Returns the children of this process that it has not reaped.
fn children() -> Vec<String> {
    let own = format!("PPid:\t{}", std::process::id());
    let statuses = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let status = std::fs::read_to_string(entry.ok()?.path().join("status")).ok()?;
        status.lines().any(|line| line == own).then_some(status)
    });
    statuses.collect()
}

/// Waits until there is no child.
#[track_caller]
fn no_children() {
    let start = Instant::now();
    while !children().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", children());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_process_compiles() {
    let limits = process(1 << 30, Duration::from_secs(60));
    let policy = Policy::load(&engine(limits.clone()), ALLOW_LIST).await.unwrap();
    assert_eq!(policy.description().name, "allow-list");
    // The engine loads the code from the cache without the compiler.
    let folder = tempfile::tempdir().unwrap();
    let cache = AotCache::open(folder.path(), 1 << 30).unwrap();
    let cached = |process: CompilerProcess| {
        let compiler = Compiler::Process(process);
        Engine::new(EngineOptions { compiler, runs: 2, cache: Some(cache.clone()), ..EngineOptions::default() })
            .unwrap()
    };
    let policy = Policy::load(&cached(limits.clone()), REDIRECT).await.unwrap();
    assert_eq!(policy.description().name, "redirect");
    assert_eq!(cache.info().unwrap().entries, 1);
    let nowhere = CompilerProcess { program: "/nowhere/compiler".into(), ..limits };
    let policy = Policy::load(&cached(nowhere), REDIRECT).await.unwrap();
    assert_eq!(policy.description().name, "redirect");
}

/// The code for a target does not depend on the process that compiles it.
#[tokio::test]
async fn a_process_compiles_for_a_target() {
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let engine = engine(process(1 << 30, Duration::from_secs(60)));
    let code = engine.precompile(&triple, Bytes::from_static(ALLOW_LIST)).await.unwrap();
    assert!(code == Engine::precompile_for(&triple, ALLOW_LIST).unwrap());
    let error = engine.precompile("riscv64gc-unknown-linux-gnu", Bytes::from_static(ALLOW_LIST)).await.unwrap_err();
    assert!(matches!(&error, LoadError::Target { target, .. } if target.starts_with("riscv64gc")), "{error:?}");
    let error = engine.precompile(&triple, Bytes::from_static(b"text")).await.unwrap_err();
    assert!(matches!(error, LoadError::Malformed(_)), "{error:?}");
}

#[tokio::test]
async fn each_limit_of_a_process_has_its_own_error() {
    let second = Duration::from_secs(1);
    let error = refused(process(160 << 20, Duration::from_secs(60)), bomb::blocks(400_000)).await;
    assert!(matches!(error, LoadError::CompileMemory { limit: 0xa00_0000 }), "{error:?}");
    assert_eq!(error.to_string(), "compiling it takes more than 160 MiB of memory");
    let error = refused(process(16 << 20, second), ALLOW_LIST).await;
    assert!(matches!(error, LoadError::CompileMemory { limit: 0x100_0000 }), "{error:?}");
    let error = refused(process(4 << 30, second), bomb::blocks(2_000_000)).await;
    assert!(matches!(error, LoadError::CompileCpu { limit: 1 }), "{error:?}");
    assert_eq!(error.to_string(), "compiling it takes more than 1 s of processor time");
    // More instances than the pool has slots, and more than any pool has.
    let limits = process(256 << 20, Duration::from_secs(60));
    let error = refused(limits.clone(), bomb::nested(8)).await;
    assert!(matches!(&error, LoadError::Code(text) if text.contains("256 core module instances")), "{error:?}");
    let error = refused(limits, bomb::nested(24)).await;
    assert!(matches!(error, LoadError::CompileMemory { .. }), "{error:?}");
}

#[tokio::test]
async fn a_program_that_does_not_compile_is_an_error() {
    let shell = |script: &str| CompilerProcess {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        ..process(1 << 30, Duration::from_secs(60))
    };
    // the behaviour of the compiler, the error
    let rows = [
        ("exit 7", "the compiler failed: it ended with exit code 7"),
        ("kill -SEGV $$", "the compiler failed: it ended by signal 11 (SEGV)"),
        ("cat >/dev/null", "its compiled code cannot be loaded: it is cut short, or of another format"),
        ("cat", "its compiled code cannot be loaded: it is cut short, or of another format"),
        ("cat >/dev/null; echo broken >&2; exit 1", "not a WebAssembly component: broken"),
        // More than is kept of it, and more than a pipe holds.
        ("cat >/dev/null; yes 0123456789 | head -c 300000 >&2; exit 4", "the compiler failed: 0123456789"),
    ];
    for (script, wanted) in rows {
        assert_eq!(refused(shell(script), ALLOW_LIST).await.to_string(), wanted, "{script}");
    }
    // A waiting process uses no processor time.
    let wall = Duration::from_millis(1500);
    let error = refused(CompilerProcess { wall, ..shell("exec sleep 600") }, ALLOW_LIST).await;
    assert_eq!(error.to_string(), "compiling it takes more than 1.5 s");
    let nowhere = CompilerProcess { program: "/nowhere/compiler".into(), ..shell("") };
    let error = refused(nowhere, ALLOW_LIST).await.to_string();
    assert!(error.starts_with("the compiler failed: it cannot be run: No such file"), "{error}");
}

/// The limits apply to each process, so few processes run at once.
#[tokio::test]
async fn compilers_wait_for_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = format!("echo begin >>{0}; cat >/dev/null; sleep 0.1; echo end >>{0}; exit 7", log.display());
    let shell = CompilerProcess {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        ..process(1 << 30, Duration::from_secs(60))
    };
    let options =
        EngineOptions { compiler: Compiler::Process(shell), compilers: 1, runs: 2, ..EngineOptions::default() };
    let engine = Engine::new(options).unwrap();
    let load = |component| Policy::load(&engine, component);
    let (one, two, three) = tokio::join!(load(ALLOW_LIST), load(REDIRECT), load(ALLOW_LIST));
    for error in [one, two, three].map(|loaded| loaded.err().expect("the shell compiles nothing")) {
        assert!(matches!(&error, LoadError::Compiler(text) if text.contains("exit code 7")), "{error:?}");
    }
    assert_eq!(std::fs::read_to_string(log).unwrap(), "begin\nend\n".repeat(3));
}

/// A process ends when no caller waits for its code.
#[tokio::test]
async fn no_process_is_left() {
    if !alone("compiling::no_process_is_left") {
        return;
    }
    let engine = engine(process(4 << 30, Duration::from_secs(60)));
    let bomb = Bytes::from(bomb::blocks(2_000_000));
    let loading = Policy::load(&engine, bomb);
    let waited = tokio::time::timeout(Duration::from_millis(500), loading).await;
    assert!(waited.is_err(), "it cannot be done by then");
    no_children();
    // So does a process that has reached a limit.
    refused(process(160 << 20, Duration::from_secs(60)), bomb::blocks(400_000)).await;
    no_children();
}

/// Whatever a component does to its compiler, and whatever the compiler returns, this process stays small.
#[tokio::test]
async fn no_component_makes_this_process_large() {
    if !alone("compiling::no_component_makes_this_process_large") {
        return;
    }
    let options = EngineOptions {
        compiler: Compiler::Process(process(256 << 20, Duration::from_secs(20))),
        runs: 2,
        ..EngineOptions::default()
    };
    let engine = Engine::new(options).unwrap();
    // name, the component, whether it compiles
    let rows = [
        ("blocks", bomb::blocks(2_000_000), false),
        ("functions", bomb::functions(10_000), true),
        ("types", bomb::types(10_000), true),
        ("exports", bomb::exports(200_000), true),
        ("segments", bomb::segments(99_000), true),
        ("instances", bomb::nested(24), false),
    ];
    for (what, component, compiled) in rows {
        let error = Policy::load(&engine, component).await.err().expect("it is no policy");
        let expected = if compiled {
            matches!(error, LoadError::Mismatch(_))
        } else {
            matches!(error, LoadError::CompileMemory { limit: 0x1000_0000 })
        };
        assert!(expected, "{what}: {error:?}");
        assert!(peak() < 200_000_000, "{what}: this process had {} bytes", peak());
    }
    no_children();
}
