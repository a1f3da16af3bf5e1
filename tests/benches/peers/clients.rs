//! The clients, and how each is asked.

use std::path::PathBuf;
use std::process::Command;

use refkit_support::tool;

use crate::access::Place;
use crate::answer::PLATFORM;
use crate::processor::Measured;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// What a tag names.
    Digest,
    /// One platform's manifest.
    PlatformDigest,
    /// One platform's config.
    Config,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Digest, Self::PlatformDigest, Self::Config];

    /// Returns a title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Digest => "Tag to digest",
            Self::PlatformDigest => "Tag and platform to the manifest's digest",
            Self::Config => "Tag and platform to the config",
        }
    }
}

/// What a client's answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Text that ends with the digest.
    Digest,
    /// The document's exact bytes; who wants the digest takes it of them.
    Bytes,
    /// The document in the client's own spelling.
    Json,
}

/// A command as at a shell, without the program, and what it prints. `REF`, `HOST`, `PLATFORM`, `OS`, `ARCH` and `POLICY`
/// stand for what is asked; what is between single quotes is one word.
type Ask = (&'static str, Says);

/// A client of registries.
pub struct Client {
    /// Its name: the program's, and what more there is to say.
    pub name: &'static str,
    /// The program, or why there is none.
    program: anyhow::Result<PathBuf>,
    /// What it says its version with; nothing where another one has said it.
    version: Option<&'static str>,
    /// By operation.
    asks: [Option<Ask>; 3],
}

/// Returns RefKit and its peers, RefKit first. Each is asked in the way that costs it the fewest requests.
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
                // The digest that it tells is the index's, whatever the platform.
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
                // It shows the index, and takes no platform.
                None,
                Some(("imagetools inspect --format '{{json (index .Image \"PLATFORM\")}}' REF", Json)),
            ],
        },
    ]
}

impl Client {
    /// Returns its version, as far as it is here and says one.
    pub fn version(&self) -> Option<String> {
        let output = Command::new(self.program.as_ref().ok()?).args(words(self.version?)).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let versions = text.split_whitespace().map(|word| word.trim_start_matches('v'));
        versions.into_iter().find(|word| word.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned)
    }

    /// Returns whether it is here.
    pub fn is_installed(&self) -> bool {
        self.program.is_ok()
    }

    /// Returns how a person asks it, where it can be asked.
    pub fn shown(&self, operation: Operation) -> Option<String> {
        let (text, says) = self.asks[operation as usize]?;
        let hashed = if says == Says::Bytes && operation != Operation::Config { ", hashed" } else { "" };
        let program = self.name.split(' ').next().unwrap_or_default();
        Some(format!("`{program} {text}`{hashed}"))
    }

    /// Returns the command for an operation, where the client is here and does it, in an empty home with credentials.
    ///
    /// # Errors
    /// Where there is no place for the home.
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
        // Nobody listens there: a Docker of this machine has no part in it.
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
