//! The memory of the process, measured without other tests.

use std::process::Command;

const ALONE: &str = "REFKIT_TEST_ALONE";

/// Returns whether this process runs no other test. If it does, runs the test again in a process of its own, and
/// panics if that fails.
pub fn alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("a path");
    let ran = Command::new(program).args([test, "--exact", "--nocapture"]).env(ALONE, "1").output().expect("it starts");
    let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success() && text.contains("test result: ok. 1 passed"), "{test}: {text}");
    false
}

/// Returns the resident memory of the process in bytes.
pub fn resident() -> u64 {
    kilobytes("VmRSS:")
}

/// Returns the peak memory of the process in bytes.
pub fn peak() -> u64 {
    kilobytes("VmHWM:")
}

fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("it says so");
    line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).expect("kB") << 10
}
