//! Runs the command in an environment of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use refkit_support::filters;

/// The timeout of a command: 60 s, of which it needs well under one.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The repository's demo layout, relative to the workspace.
pub const DEMO: &str = "oci-layout:tests/fixtures/demo";

/// A command that has ended.
pub struct Ran {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    /// Returns standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("the output is text")
    }

    /// Returns the whole output for a snapshot: ports, times and temporary directories are filtered.
    pub fn all(&self) -> String {
        let all = format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.text(), self.stderr);
        filters::usual(&all)
    }

    /// Returns standard output read as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }

    /// Returns standard output without its line feed, for a command that succeeded without messages.
    #[track_caller]
    pub fn line(&self) -> &str {
        assert!(self.code == 0 && self.stderr.is_empty(), "{}", self.all());
        self.text().strip_suffix('\n').expect("a line has an end")
    }
}

/// A run that has not started.
pub struct Refkit(Command);

/// Runs `refkit` with the arguments, from the workspace's directory.
pub fn refkit<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Ran {
    Refkit::new(arguments).run()
}

impl Refkit {
    /// Returns a run with the arguments, in an environment with only a home.
    pub fn new<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let program = refkit_support::command().unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(refkit_support::workspace_root());
        // Tests share the compiled policies.
        command.env("HOME", home());
        Self(command)
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it in another directory.
    pub fn directory(mut self, path: &Path) -> Self {
        self.0.current_dir(path);
        self
    }

    /// Runs the command to its end.
    pub fn run(self) -> Ran {
        let mut child = self.spawn();
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let code = wait(&mut child);
        let stderr = stderr.join().expect("the reader ends");
        Ran {
            code,
            stdout: stdout.join().expect("the reader ends"),
            stderr: String::from_utf8(stderr).expect("messages are text"),
        }
    }

    /// Runs the command to its end, and also returns its peak memory in bytes, sampled every millisecond.
    pub fn measured(self) -> (Ran, u64) {
        let mut child = self.spawn();
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let status = format!("/proc/{}/status", child.id());
        let peak = std::thread::spawn(move || {
            let mut peak = 0;
            // A process that has ended has no memory, and later no file.
            while let Some(now) = std::fs::read_to_string(&status).ok().as_deref().and_then(high_water) {
                peak = peak.max(now);
                std::thread::sleep(Duration::from_millis(1));
            }
            peak
        });
        let code = wait(&mut child);
        let stderr = String::from_utf8(stderr.join().expect("the reader ends")).expect("messages are text");
        let ran = Ran { code, stdout: stdout.join().expect("the reader ends"), stderr };
        (ran, peak.join().expect("the observer ends"))
    }

    /// Starts the command with pipes for its output, and without input.
    pub fn spawn(self) -> Child {
        self.spawn_with(Stdio::null())
    }

    /// Starts the command with pipes for its output.
    pub fn spawn_with(mut self, input: Stdio) -> Child {
        let command = self.0.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("refkit does not start: {error}"))
    }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Waits for the end of a process of this run, and kills it after the timeout.
pub fn wait(child: &mut Child) -> i32 {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status.code().unwrap_or(-1);
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("refkit did not end within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut pipe = pipe.expect("it was asked for");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Returns the output of a failed run for a snapshot, after a check that it has one to three lines of messages alone.
#[track_caller]
pub fn fails(ran: &Ran) -> String {
    assert!(ran.code == 1 && ran.stdout.is_empty(), "{}", ran.all());
    assert!((1..=3).contains(&ran.stderr.lines().count()), "{}", ran.stderr);
    for trace in ["panicked", "backtrace", "Error {", "Some(", "\\\""] {
        assert!(!ran.stderr.contains(trace), "{trace}: {}", ran.stderr);
    }
    ran.all()
}

/// Clears the screen, sets the title, starts a new line, and reverses the direction of the text.
pub const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nerror: all is well\u{9b}31m\u{202e}txt\u{2028}";

/// Returns whether a text has no control sequence of a terminal but line feeds.
pub fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|character| character == '\n' || !(character.is_control() || "\u{202e}\u{2028}".contains(character)))
}

/// Returns a home without credentials.
pub fn home() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    std::fs::create_dir_all(&home).expect("a directory can be made below the target directory");
    home
}

/// Returns the path of an example policy, for an argument.
pub fn policy(name: &str) -> String {
    refkit_support::policy(name).unwrap_or_else(|error| panic!("{error}")).display().to_string()
}
