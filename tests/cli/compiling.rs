//! Compiling policies from files, and keeping the code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use refkit_support::{bomb, filters};

use crate::run::{DEMO, Ran, Refkit, fails, policy, refkit, wait};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn run(home: &Path, arguments: &[&str]) -> Ran {
    Refkit::new(arguments.iter().copied()).env("XDG_CACHE_HOME", home).run()
}

/// Returns the kept compiled policies.
fn kept(home: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(home.join("refkit/aot")).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut kept: Vec<PathBuf> = names.filter(|path| path.extension().is_some_and(|end| end == "cwasm")).collect();
    kept.sort();
    kept
}

#[test]
fn a_limit_of_the_compiler_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "bomb.wasm", &bomb::blocks(300_000));
    let all =
        |more: &[&str]| filters::filtered(&fails(&run(home.path(), more)), &[(r"policy /\S+/", "policy [TEMP]/")]);
    insta::assert_snapshot!(all(&["resolve", DEMO, "--policy", &file, "--compile-memory", "160M"]), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the policy [TEMP]/bomb.wasm: compiling it takes more than 160 MiB of memory
      if you trust it, allow more with --compile-memory SIZE
    ");
    let file = write(home.path(), "bomb.wasm", &bomb::blocks(2_000_000));
    let limits = ["--compile-memory", "4G", "--compile-time", "1s"];
    let arguments = [&["resolve", DEMO, "--policy", &file][..], &limits].concat();
    insta::assert_snapshot!(all(&arguments), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the policy [TEMP]/bomb.wasm: compiling it takes more than [TIME] of processor time
      if you trust it, allow more with --compile-time TIME
    ");
    assert_eq!(kept(home.path()), Vec::<PathBuf>::new());
    // The same for the policies of an image.
    let file = write(home.path(), "bomb.wasm", &bomb::blocks(300_000));
    let output = format!("{}:1", home.path().join("out").display());
    let arguments = ["frontend", "image", DEMO, "--policy", &file, "-o", &output, "--compile-memory", "160M"];
    let binary = write(
        home.path(),
        "frontend",
        &crate::frontend_places::elf(crate::frontend_places::AMD64, crate::frontend_places::PT_LOAD),
    );
    let ran = run(home.path(), &[&arguments[..], &["--binary", &binary]].concat());
    assert!(ran.code == 1 && ran.stderr.contains("more than 160 MiB of memory"), "{}", ran.all());
}

/// The compiler works only for its own parent.
#[test]
fn only_the_command_itself_starts_its_compiler() {
    let ran = refkit(["compile-component", "4294967295", "1000000000", "60", "here", "time"]);
    assert!(ran.code == 4 && ran.stdout.is_empty(), "{}", ran.all());
    assert_eq!(ran.stderr, "the process that wants the code is gone\n");
    let ran = refkit(["compile-component"]);
    assert!(ran.code == 2 && ran.stderr.contains("unrecognized subcommand"), "{}", ran.all());
}

/// The default policy's code is beside the command: nothing is compiled, so no limit is too low.
#[test]
fn the_default_policy_is_not_compiled() {
    let limits = ["--compile-memory", "1", "--compile-time", "1s"];
    let ran = refkit(["resolve", DEMO].into_iter().chain(limits));
    assert!(!ran.line().is_empty());
    let ran = refkit(["resolve", DEMO, "--policy", &policy("redirect"), "--no-cache"].into_iter().chain(limits));
    assert!(ran.code == 1 && ran.stderr.contains("takes more than 0 MiB of memory"), "{}", ran.all());
}

#[test]
fn compiled_policies_are_kept_and_pruned() {
    let home = tempfile::tempdir().unwrap();
    let allow_list = policy("allow-list");
    let with_policy = |more: &[&str]| {
        let all = [&["resolve", DEMO, "--policy", &allow_list, "--set", "allow=**"][..], more].concat();
        let ran = run(home.path(), &all);
        assert_eq!(ran.code, 0, "{}", ran.all());
    };
    with_policy(&["--no-cache"]);
    assert_eq!(kept(home.path()), Vec::<PathBuf>::new(), "--no-cache keeps nothing");
    with_policy(&[]);
    let [entry] = &kept(home.path())[..] else { panic!("one policy, one entry") };
    // The command uses the kept code, except with --no-cache.
    let tiny = ["--compile-memory", "1M"];
    with_policy(&tiny);
    let all = [&["resolve", DEMO, "--policy", &allow_list, "--set", "allow=**", "--no-cache"][..], &tiny].concat();
    let ran = run(home.path(), &all);
    assert!(ran.code == 1 && ran.stderr.contains("takes more than 1 MiB of memory"), "{}", ran.all());

    let json = |arguments: &[&str]| run(home.path(), &[arguments, &["--format", "json"]].concat()).json();
    let info = json(&["cache", "info"]);
    assert_eq!((&info["compiled"]["policies"], &info["compiled"]["limit"]), (&1.into(), &(512_u64 << 20).into()));
    let bytes = std::fs::metadata(entry).unwrap().len();
    assert_eq!(info["compiled"]["bytes"], bytes.next_multiple_of(4096));
    let elsewhere = home.path().join("content").display().to_string();
    assert_eq!(json(&["cache", "info", "--directory", &elsewhere])["compiled"], serde_json::Value::Null);

    std::fs::write(entry, "damaged").unwrap();
    let name = entry.file_name().unwrap().to_str().unwrap();
    let told = |ran: Ran| ran.all().replace(name, "[ENTRY]").replace(home.path().to_str().unwrap(), "[TEMP]");
    insta::assert_snapshot!(told(run(home.path(), &["cache", "verify", "--keep"])), @r"
    exit 1
    --- stdout
    [TEMP]/refkit/aot/[ENTRY]: it is cut short, or of another format
    0 contents, 1 compiled policy, 7 B: 1 wrong, and left there
    --- stderr
    ");
    let wrong = json(&["cache", "verify"]);
    assert_eq!((&wrong["compiled"]["removed"], &wrong["compiled"]["wrong"][0]["path"]), (&1.into(), &name.into()));
    assert!(!entry.exists());

    with_policy(&[]);
    let ran = run(home.path(), &["cache", "prune", "--unused-for", "1h"]);
    assert!(ran.line().ends_with(": 0 contents, 0 compiled policies"), "{}", ran.all());
    let ran = run(home.path(), &["cache", "prune", "--to", "4K"]);
    assert!(ran.line().ends_with(": 0 contents, 1 compiled policy"), "{}", ran.all());
    with_policy(&[]);
    assert_eq!(json(&["cache", "prune", "--all"])["compiled"]["policies"], 1);
    assert_eq!(kept(home.path()), Vec::<PathBuf>::new());
}

/// Returns the running children of a process.
fn children(of: u32) -> Vec<u32> {
    let parent = format!("PPid:\t{of}");
    let ids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id| status(*id).is_some_and(|status| status.lines().any(|line| line == parent))).collect()
}

/// Returns the status of a process; none if it has ended, even as a zombie.
fn status(id: u32) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let ended = ["State:\tZ", "State:\tX"].iter().any(|state| status.contains(state));
    (!ended).then_some(status)
}

/// Waits until a function returns a value, at most as long as a test may take.
#[track_caller]
fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A compiler ends with a killed command. Its limits apply before it reads the component.
#[test]
fn the_compiler_ends_with_the_command() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "slow.wasm", &bomb::blocks(2_000_000));
    let arguments = ["resolve", DEMO, "--policy", &file, "--compile-memory", "4G"];
    let mut command = Refkit::new(arguments).env("XDG_CACHE_HOME", home.path()).spawn();
    let compiler = until("it compiles", || children(command.id()).first().copied());
    let limits = || std::fs::read_to_string(format!("/proc/{compiler}/limits")).unwrap_or_default();
    let line = format!("{} {0}", 4_u64 << 30);
    until("it has limits", || {
        let limits = limits().split_whitespace().collect::<Vec<_>>().join(" ");
        limits.contains(&format!("Max address space {line} bytes")).then_some(())
    });
    let limits = limits().split_whitespace().collect::<Vec<_>>().join(" ");
    for limit in ["Max cpu time 60 61 seconds", "Max core file size 0 0 bytes"] {
        assert!(limits.contains(limit), "{limit}: {limits}");
    }
    command.kill().unwrap();
    command.wait().unwrap();
    until("the compiler ends", || status(compiler).is_none().then_some(()));
}

/// A terminal shows why the command waits; other standard errors do not get this line.
#[test]
fn a_terminal_shows_that_it_compiles() {
    let home = tempfile::tempdir().unwrap();
    let file = write(home.path(), "slow.wasm", &bomb::blocks(2_000_000));
    let program = refkit_support::command().unwrap().display().to_string();
    let line = format!("{program} resolve {DEMO} --policy {file} --compile-memory 4G --compile-time 3s");
    // `script` is part of every Debian; it runs a command at a terminal of its own.
    let mut command = Command::new("/usr/bin/script");
    command.args(["-qec", &line, "/dev/null"]).env_clear().env("HOME", home.path());
    command.current_dir(refkit_support::workspace_root()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    assert_eq!(wait(&mut child), 1, "{text}");
    let size = std::fs::metadata(&file).unwrap().len();
    let said =
        format!("compiling {file} ({}); the cache keeps it for the next time", refkit_report::units::Bytes(size));
    assert!(text.contains(&said), "{text}");
    assert!(text.contains("more than 3 s of processor time"), "{text}");
    let ran = run(home.path(), &line.split(' ').skip(1).collect::<Vec<_>>());
    assert!(ran.code == 1 && !ran.stderr.contains("the cache keeps it"), "{}", ran.all());
}
