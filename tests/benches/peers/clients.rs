//! The clients and their command lines.

use std::path::PathBuf;
use std::process::Command;

use refkit_support::tool;

use crate::access::Place;
use crate::answer::PLATFORM;
use crate::processor::Measured;

/// An operation of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The digest of a tag.
    Digest,
    /// The digest of one platform's manifest.
    PlatformDigest,
    /// The config of one platform.
    Config,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 3] = [Self::Digest, Self::PlatformDigest, Self::Config];

    /// Returns the title of the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Digest => "Tag to digest",
            Self::PlatformDigest => "Tag and platform to the manifest's digest",
            Self::Config => "Tag and platform to the config",
        }
    }
}

/// The form of a client's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Text that ends with the digest.
    Digest,
    /// The document's exact bytes, from which the caller computes the digest.
    Bytes,
    /// The document in the client's own spelling.
    Json,
}

/// A command line without the program, and the form of its output. `REF`, `HOST`, `PLATFORM`, `OS`, `ARCH` and
/// `POLICY` are placeholders; a text between single quotes is one word.
type Ask = (&'static str, Says);

/// A client of registries.
pub struct Client {
    /// Its name: the program's, and further words.
    pub name: &'static str,
    /// The program, or why it is absent.
    program: anyhow::Result<PathBuf>,
    /// The arguments that print its version; none if another row has it.
    version: Option<&'static str>,
    /// The command line of each operation.
    asks: [Option<Ask>; 3],
}

/// Returns RefKit and its peers, RefKit first. Each has the command line with the fewest requests.
pub fn all() -> Vec<Client> {
    use Says::{Bytes, Digest, Json};
    vec![
        Client {
            name: "refkit",
            program: refkit_support::command(),
            version: Some("--version"),
            asks: [
                Some(("resolve REF", Digest)),
                Some(("resolve --platform PLATFORM REF", Digest)),
                Some(("inspect --config --platform PLATFORM REF", Bytes)),
            ],
        },
        Client {
            name: "refkit with a policy",
            program: refkit_support::policy("allow-list").and_then(|_| refkit_support::command()),
            version: None,
            asks: [
                Some(("resolve --policy POLICY --set allow=HOST/** REF", Digest)),
                Some(("resolve --policy POLICY --set allow=HOST/** --platform PLATFORM REF", Digest)),
                Some(("inspect --policy POLICY --set allow=HOST/** --config --platform PLATFORM REF", Bytes)),
            ],
        },
        Client {
            name: "crane",
            program: tool("crane"),
            version: Some("version"),
            asks: [
                Some(("digest REF", Digest)),
                Some(("digest --platform PLATFORM REF", Digest)),
                Some(("config --platform PLATFORM REF", Bytes)),
            ],
        },
        Client {
            name: "regctl",
            program: tool("regctl"),
            version: Some("version --format {{.VCSTag}}"),
            asks: [
                Some(("--host reg=HOST,tls=disabled image digest REF", Digest)),
                Some(("--host reg=HOST,tls=disabled image digest --platform PLATFORM REF", Digest)),
                Some(("--host reg=HOST,tls=disabled image config --format raw-body --platform PLATFORM REF", Bytes)),
            ],
        },
        Client {
            name: "oras",
            program: tool("oras"),
            version: Some("version"),
            asks: [
                Some(("resolve --plain-http REF", Digest)),
                Some(("resolve --plain-http --platform PLATFORM REF", Digest)),
                Some(("manifest fetch-config --plain-http --platform PLATFORM REF", Bytes)),
            ],
        },
        Client {
            name: "skopeo",
            program: tool("skopeo"),
            version: Some("--version"),
            asks: [
                Some(("inspect --tls-verify=false --raw docker://REF", Bytes)),
                // It prints the digest of the index, whatever the platform.
                None,
                Some((
                    "--override-os OS --override-arch ARCH inspect --tls-verify=false --config --raw docker://REF",
                    Bytes,
                )),
            ],
        },
        Client {
            name: "buildx",
            program: tool("buildx"),
            version: Some("version"),
            asks: [
                Some(("imagetools inspect --raw REF", Bytes)),
                // It prints the index, and accepts no platform.
                None,
                Some(("imagetools inspect --format '{{json (index .Image \"PLATFORM\")}}' REF", Json)),
            ],
        },
    ]
}

impl Client {
    /// Returns its version, if it is installed and prints one.
    pub fn version(&self) -> Option<String> {
        let output = Command::new(self.program.as_ref().ok()?).args(words(self.version?)).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let versions = text.split_whitespace().map(|word| word.trim_start_matches('v'));
        versions.into_iter().find(|word| word.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned)
    }

    /// Returns whether it is installed.
    pub fn is_installed(&self) -> bool {
        self.program.is_ok()
    }

    /// Returns the command line for people, if it supports the operation.
    pub fn shown(&self, operation: Operation) -> Option<String> {
        let (text, says) = self.asks[operation as usize]?;
        let hashed = if says == Says::Bytes && operation != Operation::Config { ", hashed" } else { "" };
        let program = self.name.split(' ').next().unwrap_or_default();
        Some(format!("`{program} {text}`{hashed}"))
    }

    /// Returns the command for an operation in an empty home with credentials, if the client is installed and supports
    /// it.
    ///
    /// # Errors
    /// An error if the home cannot be created.
    pub fn command(&self, operation: Operation, place: &Place<'_>) -> anyhow::Result<Option<Measured>> {
        let (Ok(program), Some((text, says))) = (&self.program, self.asks[operation as usize]) else {
            return Ok(None);
        };
        let home = tempfile::Builder::new().prefix("refkit-peers-").tempdir()?;
        place.furnish(home.path())?;
        let (os, architecture) = PLATFORM.split_once('/').unwrap_or((PLATFORM, ""));
        let stands_for = [("REF", &*place.reference), ("HOST", &*place.host), ("PLATFORM", PLATFORM)];
        let policy = refkit_support::policy("allow-list").map(|path| path.display().to_string()).unwrap_or_default();
        let stands_for = stands_for.into_iter().chain([("OS", os), ("ARCH", architecture), ("POLICY", &policy)]);
        let fill = |word: String| stands_for.clone().fold(word, |word, (name, value)| word.replace(name, value));
        let mut command = Command::new(program);
        command.args(words(text).into_iter().map(fill)).env_clear();
        for name in ["HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] {
            command.env(name, home.path());
        }
        command.env("REGISTRY_AUTH_FILE", home.path().join("config.json"));
        command.env("CONTAINERS_REGISTRIES_CONF", home.path().join("registries.conf"));
        command.env("REGCTL_CONFIG", home.path().join("regctl.json"));
        command.env("BUILDX_CONFIG", home.path().join("buildx"));
        // Nothing listens at this socket, so a Docker daemon of this machine is not involved.
        command.env("DOCKER_HOST", format!("unix://{}", home.path().join("docker.sock").display()));
        Ok(Some(Measured { command, says, home }))
    }
}

/// Returns the words of a command line.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in text.split('\'').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
