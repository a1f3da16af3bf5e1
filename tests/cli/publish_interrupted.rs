//! Commands that publish and are stopped by SIGINT or SIGTERM: nothing of them stays that is not finished.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use refkit_support::image::{Image, ImageBuilder};
use refkit_support::{Fault, FaultRegistry, Rule};
use rustix::process::{Pid, Signal, kill_process};

use crate::places::{demo_image, put};
use crate::run::{PATIENCE, Refkit, refkit, wait};

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().cast_signed()).expect("a process has an id");
    kill_process(pid, signal).expect("it is our child");
}

/// Returns what a stopped command wrote to standard error, after a check that it wrote nothing else.
#[track_caller]
fn ended(mut child: Child, code: i32) -> String {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let found = wait(&mut child);
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((found, stdout.as_str()), (code, ""), "{stderr}");
    stderr
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Adds a rule for the first request of a pattern, and returns what receives a message when that comes.
fn at_request(registry: &FaultRegistry, method: &'static str, part: &'static str, fault: Fault) -> mpsc::Receiver<()> {
    let (reached, at) = mpsc::channel();
    let is_it = move |request: &http::request::Parts| {
        let target = request.uri.to_string();
        request.method == method && target.contains(part) && reached.send(()).is_ok()
    };
    registry.add(Rule::when(is_it, fault));
    at
}

/// Two registries, and the arguments of a copy from one to the other.
fn registries() -> (FaultRegistry, FaultRegistry, [String; 3]) {
    let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    put(&from, "demo/app", Some("1"), &demo_image("1.0.0"));
    let arguments = ["copy".to_owned(), format!("{}/demo/app:1", from.host()), format!("{}/demo/new:1", to.host())];
    (from, to, arguments)
}

#[test]
fn open_uploads_are_cancelled() {
    // at which request of the destination; what becomes of it; the signal and the exit code
    let rows = [
        ("HEAD", "/blobs/", Fault::stall(), Signal::INT, 130),
        // The upload is opened after the signal, and only the answer says where.
        ("POST", "/blobs/uploads/", Fault::normal().delay(Duration::from_secs(2)), Signal::INT, 130),
        ("PUT", "/blobs/uploads/", Fault::stall(), Signal::INT, 130),
        ("PUT", "/blobs/uploads/", Fault::stall(), Signal::TERM, 143),
        ("PUT", "/manifests/sha256:", Fault::stall(), Signal::INT, 130),
        ("PUT", "/manifests/1", Fault::stall(), Signal::TERM, 143),
    ];
    for (method, part, fault, signal, code) in rows {
        let (_from, to, arguments) = registries();
        let at = at_request(&to, method, part, fault);
        let child = Refkit::new(arguments.iter().map(String::as_str)).spawn();
        at.recv_timeout(PATIENCE).expect("the request comes");
        send(&child, signal);
        assert_eq!(ended(child, code), "interrupted\n", "{method} {part}");
        assert_eq!(to.uploads(), 0, "{method} {part}: {:?}", to.requests());
        assert!(to.manifest("demo/new", "1").is_none(), "{method} {part}");
        if part == "/blobs/uploads/" {
            assert!(to.count("DELETE */blobs/uploads/*") > 0, "{method} {part}: {:?}", to.requests());
        }
        // A second run completes it.
        to.clear_rules();
        refkit(arguments.iter().map(String::as_str)).line();
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let (_from, to, arguments) = registries();
    let at = at_request(&to, "PUT", "/blobs/uploads/", Fault::stall());
    // The registry does not answer the cancelling requests either.
    let cancelled = at_request(&to, "DELETE", "/blobs/uploads/", Fault::stall());
    let mut child = Refkit::new(arguments.iter().map(String::as_str)).spawn();
    at.recv_timeout(PATIENCE).expect("the request comes");
    send(&child, Signal::TERM);
    cancelled.recv_timeout(PATIENCE).expect("the upload is cancelled");
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    assert_eq!(line, "interrupted\n");
    send(&child, Signal::INT);
    // The last signal decides; left alone, the command ends with the code of the first.
    assert_eq!(wait(&mut child), 130);
}

#[test]
fn a_registry_that_does_not_answer_holds_up_for_a_short_time() {
    let (_from, to, arguments) = registries();
    let at = at_request(&to, "PUT", "/blobs/uploads/", Fault::stall());
    to.add(Rule::on("DELETE *", Fault::stall()));
    let child = Refkit::new(arguments.iter().map(String::as_str)).spawn();
    at.recv_timeout(PATIENCE).expect("the request comes");
    send(&child, Signal::TERM);
    assert_eq!(ended(child, 143), "interrupted\n");
}

/// Returns an image with a layer of a MiB.
fn large() -> Image {
    ImageBuilder::new("linux/amd64").layer("application/vnd.oci.image.layer.v1.tar", vec![7; 1 << 20]).build()
}

/// Returns the paths below a directory, relative to it.
fn below(directory: &Path) -> Vec<String> {
    let (mut found, mut left) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            found.push(path.strip_prefix(directory).unwrap().display().to_string());
            if path.is_dir() {
                left.push(path);
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn what_is_not_finished_on_disk_is_removed() {
    let registry = FaultRegistry::start().unwrap();
    put(&registry, "demo/app", Some("1"), &large());
    put(&registry, "demo/app", Some("other"), &demo_image("single"));
    let source = |tag: &str| format!("{}/demo/app:{tag}", registry.host());
    // the destination, whether it has an image already, the signal and the exit code
    let rows = [
        ("app.tar", false, Signal::INT, 130),
        ("app.tar", true, Signal::TERM, 143),
        ("app", false, Signal::INT, 130),
        ("app", true, Signal::TERM, 143),
    ];
    for (name, exists, signal, code) in rows {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        let to = path.display().to_string();
        if exists {
            refkit(["copy", &source("other"), &to]).line();
        }
        let before = below(directory.path());
        registry.add(Rule::on("GET */blobs/*", Fault::normal().stall_after(300_000)));
        let child = Refkit::new(["copy", "--no-cache", &source("1"), &to]).spawn();
        until("a file is begun", || below(directory.path()).iter().any(|path| path.contains(".refkit-")));
        send(&child, signal);
        assert_eq!(ended(child, code), "interrupted\n", "{name}");
        let after = below(directory.path());
        assert!(!after.iter().any(|path| path.contains("/.") || path.starts_with('.')), "{name}: {after:?}");
        if name == "app.tar" {
            assert_eq!(after, before, "{exists}");
        }
        registry.clear_rules();
        if exists {
            let there = refkit(["resolve", &format!("oci-layout:{to}:other")]);
            assert!(there.line().ends_with(demo_image("single").digest().as_str()));
            assert_eq!(refkit(["resolve", &format!("oci-layout:{to}:1")]).code, 1, "{name} has the tag");
        }
        refkit(["copy", &source("1"), &to]).line();
        assert!(refkit(["resolve", &format!("oci-layout:{to}:1")]).line().ends_with(large().digest().as_str()));
    }
}

#[test]
fn a_command_that_reads_standard_input_can_be_stopped() {
    let mut child = Refkit::new(["create", "-f", "-", "--dry-run"]).spawn_with(Stdio::piped());
    let tasks = format!("/proc/{}/task", child.id());
    let reads = || {
        let threads = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
        let mut names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
        names.any(|name| name.trim() == "source")
    };
    until("the source is read", reads);
    // Two threads: the one that reads may begin before the other catches the signal.
    let status = format!("/proc/{}/status", child.id());
    let catches = || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        mask & (1 << (Signal::INT.as_raw() - 1)) != 0
    };
    until("the signal is caught", catches);
    let stdin = child.stdin.take();
    send(&child, Signal::INT);
    assert_eq!(ended(child, 130), "interrupted\n");
    drop(stdin);
}
