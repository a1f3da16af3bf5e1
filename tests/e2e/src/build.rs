//! A build, as `buildctl` starts it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use refkit_support::basic;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::buildkitd::Buildkitd;
use crate::built::Built;
use crate::outcome::Outcome;
use crate::programs::program;
use crate::run::run;

/// The timeout of a build: 2 minutes; most take less than a second.
const PATIENCE: Duration = Duration::from_secs(120);

/// The destination of a build's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// An image in a layout directory, which [`Build::built`] reads.
    Layout,
    /// The files in a directory.
    Directory,
    /// An image that BuildKit pushes under this reference.
    Push(String),
    /// None: the result stays in BuildKit's cache.
    Nothing,
}

/// A build with the Dockerfile frontend that is part of BuildKit, unless the test names another one.
pub struct Build<'a> {
    buildkitd: &'a Buildkitd,
    frontend: String,
    arguments: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
    logins: Map<String, Value>,
    output: Output,
    patience: Duration,
}

impl<'a> Build<'a> {
    /// Starts the description of a build with an empty context.
    pub fn new(buildkitd: &'a Buildkitd) -> Self {
        Self {
            buildkitd,
            frontend: "dockerfile.v0".to_owned(),
            arguments: Vec::new(),
            files: BTreeMap::new(),
            logins: Map::new(),
            output: Output::Layout,
            patience: PATIENCE,
        }
    }

    /// Sets the Dockerfile.
    #[must_use]
    pub fn dockerfile(self, text: &str) -> Self {
        self.file("Dockerfile", text.as_bytes())
    }

    /// Adds a file to the context.
    #[must_use]
    pub fn file(mut self, path: &str, content: &[u8]) -> Self {
        self.files.insert(path.to_owned(), content.to_vec());
        self
    }

    /// Selects a frontend's image by a line in front of an unchanged Dockerfile.
    #[must_use]
    pub fn syntax(self, image: &str) -> Self {
        self.arg("BUILDKIT_SYNTAX", image)
    }

    /// Selects a frontend's image that BuildKit starts without reading the Dockerfile.
    #[must_use]
    pub fn gateway(mut self, image: &str) -> Self {
        "gateway.v0".clone_into(&mut self.frontend);
        self.option("source", image)
    }

    /// Sets an option of the frontend.
    #[must_use]
    pub fn option(self, name: &str, value: &str) -> Self {
        self.argument("--opt", format!("{name}={value}"))
    }

    /// Sets a build argument.
    #[must_use]
    pub fn arg(self, name: &str, value: &str) -> Self {
        self.option(&format!("build-arg:{name}"), value)
    }

    /// Sets the platforms, separated by commas.
    #[must_use]
    pub fn platform(self, platforms: &str) -> Self {
        self.option("platform", platforms)
    }

    /// Sets the stage to build.
    #[must_use]
    pub fn target(self, stage: &str) -> Self {
        self.option("target", stage)
    }

    /// Adds a named context, such as `docker-image://REFERENCE`.
    #[must_use]
    pub fn context(self, name: &str, source: &str) -> Self {
        self.option(&format!("context:{name}"), source)
    }

    /// Lets the build read a layout directory of this machine, as `oci-layout://NAME:TAG` or `oci-layout://NAME@DIGEST`.
    #[must_use]
    pub fn layout(self, name: &str, directory: &Path) -> Self {
        self.argument("--oci-layout", format!("{name}={}", directory.display()))
    }

    /// Requests a provenance attestation.
    #[must_use]
    pub fn provenance(self) -> Self {
        self.option("attest:provenance", "mode=max")
    }

    /// Gives credentials for a registry to the session of this build alone.
    #[must_use]
    pub fn login(mut self, host: &str, user: &str, password: &str) -> Self {
        let encoded = basic(user, password);
        self.logins.insert(host.to_owned(), json!({ "auth": encoded.trim_start_matches("Basic ") }));
        self
    }

    /// Sets the destination of the result.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Sets the timeout of the build.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Adds an argument of `buildctl build` with its value, unchanged.
    #[must_use]
    pub fn argument(mut self, name: &str, value: impl Into<String>) -> Self {
        self.arguments.extend([name.to_owned(), value.into()]);
        self
    }

    /// Runs the build, and returns its outcome.
    ///
    /// # Errors
    /// An error if it cannot run, or does not end in time.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let directory = tempfile::Builder::new().prefix("refkit-build-").tempdir()?;
        let metadata = directory.path().join("metadata.json");
        let mut command = self.command(&directory)?;
        command.arg("--metadata-file").arg(&metadata);
        let ended = run(&mut command, directory.path(), self.patience)?;
        let metadata = match fs::read(&metadata) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("the metadata is not JSON")?,
            Err(_) => Value::Null,
        };
        Ok(Outcome::new(ended, metadata, directory))
    }

    /// Runs the build, and reads the resulting image.
    ///
    /// # Errors
    /// As [`Build::run`], and if the build fails, with the text for people.
    pub fn built(self) -> anyhow::Result<Built> {
        ensure!(self.output == Output::Layout, "only what was written as a layout is read");
        let outcome = self.run()?.succeeded()?;
        Built::from_layout(&outcome.output()).context("what was built cannot be read")
    }

    /// Runs the build and expects a failure.
    ///
    /// # Errors
    /// As [`Build::run`], and if the build succeeds.
    pub fn fails(self) -> anyhow::Result<Outcome> {
        self.run()?.failed()
    }

    fn command(&self, directory: &TempDir) -> anyhow::Result<Command> {
        let context = directory.path().join("context");
        fs::create_dir(&context)?;
        for (path, content) in &self.files {
            let path = context.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&context))?;
            fs::write(path, content)?;
        }
        let docker = directory.path().join("docker");
        fs::create_dir(&docker)?;
        fs::write(docker.join("config.json"), json!({ "auths": self.logins }).to_string())?;
        let mut command = Command::new(program("buildctl")?);
        command.env_clear().env("HOME", directory.path()).env("DOCKER_CONFIG", &docker);
        command.args(["--addr", &self.buildkitd.address(), "build", "--progress", "plain"]);
        command.args(["--frontend", &self.frontend]).args(&self.arguments);
        for name in ["context", "dockerfile"] {
            command.arg("--local").arg(format!("{name}={}", context.display()));
        }
        if let Some(output) = output(&self.output, &Outcome::output_of(directory)) {
            command.args(["--output", &output]);
        }
        Ok(command)
    }
}

fn output(wanted: &Output, path: &Path) -> Option<String> {
    let path = path.display();
    match wanted {
        Output::Layout => Some(format!("type=oci,tar=false,dest={path}")),
        Output::Directory => Some(format!("type=local,dest={path}")),
        Output::Push(reference) => Some(format!("type=image,name={reference},push=true")),
        Output::Nothing => None,
    }
}
