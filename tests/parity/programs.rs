//! The programs, each run in a home of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use refkit_support::tool;

use crate::run::wait;

/// A client of registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    Refkit,
    Buildx,
    Crane,
    Regctl,
    Oras,
    Skopeo,
    Cosign,
}

impl Client {
    /// Returns the name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refkit => "refkit",
            Self::Buildx => "buildx",
            Self::Crane => "crane",
            Self::Regctl => "regctl",
            Self::Oras => "oras",
            Self::Skopeo => "skopeo",
            Self::Cosign => "cosign",
        }
    }

    /// Returns the program.
    ///
    /// # Panics
    /// Where it is missing, with the line that installs it: a comparison without its other side shows nothing.
    fn program(self) -> PathBuf {
        let goal = match self {
            Self::Refkit => return refkit_support::command().unwrap_or_else(|error| panic!("{error}")),
            Self::Buildx | Self::Cosign => "tools-parity",
            Self::Crane | Self::Regctl | Self::Oras | Self::Skopeo => "tools",
        };
        tool(self.name()).unwrap_or_else(|_| panic!("{} is missing; run: make {goal}", self.name()))
    }
}

/// A program that has ended.
pub struct Ran {
    /// The command line, for a test that fails.
    pub line: String,
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    /// Returns whether the program succeeded.
    pub fn succeeded(&self) -> bool {
        self.code == 0
    }

    /// Returns the value after a check that the program succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.succeeded(), "{}: exit {}\n{}", self.line, self.code, self.stderr);
        self
    }

    /// Returns whether it succeeded, or the last line of what it said.
    pub fn decision(&self) -> String {
        if self.succeeded() {
            return "succeeds".to_owned();
        }
        self.stderr.trim().lines().last().unwrap_or_default().to_owned()
    }

    /// Returns standard output without its line feed.
    pub fn output(&self) -> &[u8] {
        self.stdout.strip_suffix(b"\n").unwrap_or(&self.stdout)
    }
}

/// Runs a program with no settings, no credentials and no Docker daemon. It is to reach registries by plain HTTP.
pub fn run(client: Client, arguments: &[String]) -> Ran {
    run_with(client, arguments, &[])
}

/// Runs a program as [`run`], with more variables in its environment.
pub fn run_with(client: Client, arguments: &[String], environment: &[(&str, &str)]) -> Ran {
    let home = tempfile::Builder::new().prefix("refkit-parity-").tempdir().expect("a directory can be made");
    let path = |name: &str| home.path().join(name);
    // The machine may have settings for skopeo.
    std::fs::write(path("registries.conf"), "").expect("the home takes a file");
    let mut command = Command::new(client.program());
    command.args(arguments).env_clear().current_dir(home.path()).stdin(Stdio::null());
    for name in ["HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] {
        command.env(name, home.path());
    }
    command.env("CONTAINERS_REGISTRIES_CONF", path("registries.conf"));
    command.env("BUILDX_CONFIG", path("buildx"));
    // Nothing listens at this socket, so a Docker daemon of this machine is not involved.
    command.env("DOCKER_HOST", format!("unix://{}", path("docker.sock").display()));
    command.envs(environment.iter().copied());
    let file = |name: &str| File::create(path(name)).expect("the home takes a file");
    command.stdout(file("stdout")).stderr(file("stderr"));
    let line = format!("{} {}", client.name(), arguments.join(" "));
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
    let code = wait(&mut child);
    let read = |name: &str| std::fs::read(path(name)).expect("it was made");
    Ran { line, code, stdout: read("stdout"), stderr: String::from_utf8_lossy(&read("stderr")).into_owned() }
}

/// Returns the words of a command line.
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
