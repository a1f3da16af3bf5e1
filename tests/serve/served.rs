//! A running `refkit serve`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long a test waits for a line of the log.
const PATIENCE: Duration = Duration::from_secs(60);

/// The directory of a server: its settings, and what they name.
pub struct Place {
    directory: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Returns the command with `refkit.toml` of this directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(refkit_support::command().unwrap());
        command.arg("serve").arg("--config").arg(self.path("refkit.toml")).args(arguments);
        command.env_clear().env("HOME", self.path("home")).stdin(Stdio::null());
        command
    }

    /// Returns a text without the path of this directory.
    pub fn strip(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.path().display()), "")
    }

    /// Starts a server with these settings, and waits until it listens.
    pub fn serve(&self, settings: &str) -> Served {
        self.write("refkit.toml", settings);
        let mut child = self.command(&["--log-format", "json"]).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let line = line.unwrap();
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Served { child, lines }
    }
}

/// A server. It is killed at the end of its test, if it has not ended.
pub struct Served {
    pub child: Child,
    lines: Receiver<Value>,
}

impl Served {
    /// Returns the next event of the log for which `wanted` holds.
    #[track_caller]
    pub fn event(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(event) if wanted(&event) => return event,
                Ok(event) => seen.push(event),
                Err(error) => panic!("{error}: {seen:#?}"),
            }
        }
    }

    /// Returns the next event with a message.
    #[track_caller]
    pub fn message(&self, message: &str) -> Value {
        self.event(|event| event["message"] == message)
    }

    /// Returns where the next listener of this kind listens: `127.0.0.1:PORT` or a path.
    #[track_caller]
    pub fn address(&self, kind: &str) -> String {
        let event = self.event(|event| event["message"] == "listening" && event["listener"] == kind);
        let address = event["address"].as_str().unwrap();
        address.trim_start_matches("tcp://").trim_start_matches("unix://").to_owned()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process, and returns its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the certificate and the key of a server, and those of a client, whose root is `ca.pem`.
pub fn certificates(directory: &Path) -> refkit_support::Authority {
    let authority = refkit_support::Authority::new().unwrap();
    std::fs::write(directory.join("ca.pem"), authority.pem()).unwrap();
    authority.server().unwrap().write(directory, "server").unwrap();
    authority.client("builder.example").unwrap().write(directory, "client").unwrap();
    authority
}
