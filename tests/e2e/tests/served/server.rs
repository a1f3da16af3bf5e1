//! A running `refkit serve`, and Go clients of it.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use refkit_e2e::{Files, Stage, program};
use refkit_support::Process;
use tempfile::TempDir;

/// The timeout of the server's start: 20 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a unix socket.
pub struct Server {
    // The order of dropping: first the process, then its directory.
    _process: Process,
    directory: TempDir,
}

impl Server {
    /// Starts a server with these rules.
    pub fn start(rules: &str) -> anyhow::Result<Self> {
        // The path of a socket has at most 107 bytes, so TMPDIR is not suitable.
        let directory = tempfile::Builder::new().prefix("refkit-served-").tempdir_in("/tmp")?;
        let (settings, log) = (directory.path().join("refkit.toml"), directory.path().join("log"));
        let socket = directory.path().join("refkit.sock");
        std::fs::write(&settings, format!("[server]\ngrpc = \"unix://{}\"\n{rules}", socket.display()))?;
        let settings = settings.to_str().context("the path is text")?;
        let home = directory.path().to_str().context("the path is text")?;
        let (command, output) = (refkit_support::command()?, directory.path().join("output"));
        let environment = [("HOME", home)];
        let process = Process::start(&command, &["serve", "--config", settings], &environment, output, log.clone())?;
        let started = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            ensure!(started.elapsed() < PATIENCE, "no server: {}", std::fs::read_to_string(&log).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { _process: process, directory })
    }

    /// Returns where it listens.
    pub fn address(&self) -> String {
        format!("unix://{}", self.directory.path().join("refkit.sock").display())
    }

    /// Returns the lines of its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Returns the Go program, with what it needs to reach both.
    pub fn client(&self, mode: &str, stage: &Stage) -> anyhow::Result<Command> {
        let mut command = Command::new(program("served-build")?);
        command.args([mode, &stage.buildkitd.address(), &self.address()]);
        Ok(command)
    }

    /// Builds with an image, and returns the files of the result, or the error.
    pub fn build(&self, mode: &str, stage: &Stage, image: &str) -> anyhow::Result<Result<Files, String>> {
        let directory = tempfile::tempdir()?;
        let output = self.client(mode, stage)?.arg(image).arg(directory.path()).output()?;
        match output.status.success() {
            true => Ok(Ok(Files::of_directory(directory.path())?)),
            false => Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }
}

/// Returns the path of a policy, as settings write it.
pub fn policy(name: &str) -> anyhow::Result<String> {
    let path: PathBuf = refkit_support::policy(name)?;
    Ok(path.display().to_string())
}
