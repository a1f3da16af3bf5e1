//! Real children, and their ends.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use refkit_frontend::child::Child;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ends::bounded;

/// Starts a shell script with `$0`.
pub fn shell(script: &str, name: &Path) -> Child {
    let arguments = [OsStr::new("-c"), OsStr::new(script), name.as_os_str()];
    Child::start(OsStr::new("/bin/sh"), arguments).unwrap()
}

/// Returns whether a process runs. A process that has ended and is not reaped does not run.
pub fn runs(id: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", id.trim()));
    state.is_ok_and(|state| !state.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X']))
}

/// Waits for the process identifiers that a script writes to a file.
pub async fn identifiers(path: &Path, number: usize) -> Vec<String> {
    let read = async {
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if text.ends_with('\n') && text.lines().count() == number {
                return text.lines().map(str::to_owned).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    bounded(read).await
}

/// A script that ends only when it is killed, and so does the process that it starts.
pub const STUBBORN: &str = r#"
    trap "" HUP INT TERM PIPE
    (trap "" HUP INT TERM PIPE; echo $$ > /dev/null; while :; do sleep 0.1; done) > /dev/null &
    printf '%s\n%s\n' $$ $! > "$0.tmp"; mv "$0.tmp" "$0"
    while :; do sleep 0.1; done
"#;

#[tokio::test]
async fn it_speaks_and_sees_the_end() {
    let mut child = shell("cat; echo done", Path::new("sh"));
    let mut stream = child.stream().unwrap();
    assert!(child.stream().is_none());
    stream.write_all(b"there and back").await.unwrap();
    let mut got = [0; 14];
    bounded(stream.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"there and back");
    drop(stream);
    let exit = bounded(child.stop(Duration::from_secs(20))).await.unwrap().expect("it ended by itself");
    // The pipe for its "done" was closed.
    assert!(exit.success() || exit.signal() == Some(13) || exit.code() == Some(1), "{exit}");
}

#[tokio::test]
async fn how_it_ended() {
    let rows = [
        ("exit 0", "with exit code 0"),
        ("exit 3", "with exit code 3"),
        ("kill -KILL $$", "by signal 9 (KILL)"),
        ("kill -SEGV $$", "by signal 11 (SEGV)"),
        ("kill -ABRT $$", "by signal 6 (ABRT)"),
        ("kill -TERM $$", "by signal 15 (TERM)"),
    ];
    for (script, end) in rows {
        let mut child = shell(script, Path::new("sh"));
        let exit = bounded(child.ended()).await.unwrap();
        assert_eq!(exit.to_string(), format!("the frontend /bin/sh ended {end}"));
        assert_eq!(exit.success(), script == "exit 0");
        // A second call returns the same end.
        assert_eq!(bounded(child.ended()).await.unwrap().to_string(), exit.to_string());
    }
}

#[tokio::test]
async fn it_has_the_environment() {
    let mut child = shell("printf %s \"$PATH\"", Path::new("sh"));
    let mut path = String::new();
    bounded(child.stream().unwrap().read_to_string(&mut path)).await.unwrap();
    assert_eq!(path, std::env::var("PATH").unwrap());
}

#[test]
fn it_cannot_be_started() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _runtime = runtime.enter();
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    let script = script.to_str().unwrap();
    let rows = [
        ("/nowhere/frontend", "No such file or directory (os error 2)"),
        ("no-such-frontend-in-the-path", "No such file or directory (os error 2)"),
        (script, "Permission denied (os error 13)"),
        ("/", "Permission denied (os error 13)"),
        ("", "No such file or directory (os error 2)"),
    ];
    for (program, problem) in rows {
        let error = Child::start(OsStr::new(program), [""; 0]).unwrap_err();
        assert_eq!(error.to_string(), format!("the frontend {program} cannot be started: {problem}"));
    }
}

#[tokio::test]
async fn one_that_goes_on_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stubborn");
    let child = shell(STUBBORN, &path);
    let processes = identifiers(&path, 2).await;
    assert!(processes.iter().all(|id| runs(id)));
    let start = Instant::now();
    assert!(bounded(child.stop(Duration::from_millis(300))).await.unwrap().is_none());
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&start.elapsed()));
    gone(&processes).await;
}

#[tokio::test]
async fn one_that_is_dropped_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stubborn");
    let child = shell(STUBBORN, &path);
    let processes = identifiers(&path, 2).await;
    drop(child);
    gone(&processes).await;
}

/// Waits until processes are gone.
pub async fn gone(processes: &[String]) {
    let wait = async {
        while processes.iter().any(|id| runs(id)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    bounded(wait).await;
}
