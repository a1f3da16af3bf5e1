//! Real registries: the distribution project's, as a process on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use refkit_oci::Digest;
use tempfile::TempDir;

use crate::access::basic;
use crate::access_log::{self, Logged};
use crate::cdn::Cdn;
use crate::pattern::Pattern;
use crate::plain::{self, Reply};
use crate::process::Process;
use crate::real_config;
use crate::scope::Scope;
use crate::store::digest;
use crate::token::TokenServer;
use crate::tokens::Tokens;
use crate::workspace::tool;

/// The longest wait for a registry: 10 s to listen, and as long for a line of its log.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at a file that another process writes.
const PAUSE: Duration = Duration::from_millis(5);

/// The `User-Agent` of this module's own requests, which [`RealRegistry::requests`] leaves out.
const OWN_AGENT: &str = "refkit-support";

/// Own requests that have to be in the log before it is read: 3. A registry writes the line of a long answer just
/// after its last byte, so the first of them could still be ahead of it.
const ROUNDS: usize = 3;

/// Who may ask a real registry.
#[derive(Clone, Copy)]
pub enum Auth<'a> {
    /// Everybody.
    Anonymous,
    /// One user, by a file as htpasswd writes it.
    Basic {
        /// The user's name.
        user: &'a str,
        /// The user's password, at most 72 bytes.
        password: &'a str,
    },
    /// Who has a token of this server, which must be one of [`TokenServer::signed`].
    Bearer(&'a TokenServer),
}

/// What this module itself gets in with.
enum Entry {
    Open,
    Basic(String),
    Bearer(Arc<Tokens>),
}

/// A registry process on 127.0.0.1 and a port that was free, its storage in a temporary directory. It ends with its
/// value.
pub struct RealRegistry {
    // In the order in which they go: first the process, then its directory.
    process: Process,
    directory: TempDir,
    host: String,
    entry: Entry,
    cleared: std::sync::atomic::AtomicUsize,
}

impl RealRegistry {
    /// Starts the distribution project's registry, release 3, as `make tools` builds it.
    ///
    /// # Errors
    /// Where it is not installed (the text says what to run) or does not listen within 10 s.
    pub fn distribution_v3(auth: Auth<'_>) -> anyhow::Result<Self> {
        Self::start(&tool("registry")?, auth, None)
    }

    /// Starts the same, which stores where a CDN serves from, and redirects (307) who may read a blob to it.
    ///
    /// # Errors
    /// As [`RealRegistry::distribution_v3`].
    pub fn distribution_v3_with(auth: Auth<'_>, cdn: &Cdn) -> anyhow::Result<Self> {
        Self::start(&tool("registry")?, auth, Some(cdn))
    }

    /// Starts Debian's `docker-registry`, release 2.8 of the same project.
    ///
    /// # Errors
    /// Where it is not installed (the text says what to run) or does not listen within 10 s.
    pub fn debian_v2(auth: Auth<'_>) -> anyhow::Result<Self> {
        Self::start(&tool("docker-registry")?, auth, None)
    }

    /// Starts the same with a CDN, as [`RealRegistry::distribution_v3_with`].
    ///
    /// # Errors
    /// As [`RealRegistry::debian_v2`].
    pub fn debian_v2_with(auth: Auth<'_>, cdn: &Cdn) -> anyhow::Result<Self> {
        Self::start(&tool("docker-registry")?, auth, Some(cdn))
    }

    fn start(program: &Path, auth: Auth<'_>, cdn: Option<&Cdn>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("refkit-registry-").tempdir()?;
        let configuration = real_config::write(directory.path(), auth, cdn)?;
        let arguments = ["serve", configuration.to_str().context("the temporary directory's path is not UTF-8")?];
        // The newer one would send its traces to localhost otherwise.
        let environment = [("OTEL_TRACES_EXPORTER", "none")];
        let (output, errors) = (output(&directory), errors(&directory));
        let process = Process::start(program, &arguments, &environment, output, errors.clone())?;
        let host = listening(&process, &errors).with_context(|| program.display().to_string())?;
        let entry = match auth {
            Auth::Anonymous => Entry::Open,
            Auth::Basic { user, password } => Entry::Basic(basic(user, password)),
            Auth::Bearer(server) => Entry::Bearer(server.tokens()),
        };
        Ok(Self { process, directory, host, entry, cleared: 0.into() })
    }

    /// Returns `127.0.0.1:PORT`, as references begin with it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns a value of `Authorization` that is good for these actions (such as `pull,push`) on a repository, and
    /// none for an open registry. No request is made for it.
    ///
    /// # Errors
    /// Where no token can be signed.
    pub fn authorization(&self, repository: &str, actions: &str) -> anyhow::Result<Option<String>> {
        Ok(match &self.entry {
            Entry::Open => None,
            Entry::Basic(value) => Some(value.clone()),
            Entry::Bearer(tokens) => {
                let scope = Scope::repository(repository, actions.split(','));
                Some(format!("Bearer {}", tokens.issue(vec![scope])?))
            }
        })
    }

    /// Pushes a blob and returns its digest.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> anyhow::Result<Digest> {
        let digest = digest(bytes);
        let reply = self.own(repository, "POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"")?;
        ensure!(reply.status == 202, "no upload to {repository}: {} {}", reply.status, reply.text());
        let location = reply.header("location").context("an upload without a Location")?;
        let target = location.strip_prefix(&format!("http://{}", self.host)).unwrap_or(location);
        let separator = if target.contains('?') { '&' } else { '?' };
        let target = format!("{target}{separator}digest={digest}");
        let headers = [("Content-Type", "application/octet-stream")];
        let reply = self.own(repository, "PUT", &target, &headers, bytes)?;
        ensure!(reply.status == 201, "no blob {digest} in {repository}: {} {}", reply.status, reply.text());
        Ok(digest)
    }

    /// Pushes a manifest or an index under a tag, or by digest alone, and returns its digest. What it refers to must
    /// be there.
    ///
    /// # Errors
    /// Where the registry refuses it.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
    ) -> anyhow::Result<Digest> {
        let digest = digest(bytes);
        let target = format!("/v2/{repository}/manifests/{}", tag.unwrap_or(digest.as_str()));
        let reply = self.own(repository, "PUT", &target, &[("Content-Type", media_type)], bytes)?;
        ensure!(reply.status == 201, "no manifest {digest} in {repository}: {} {}", reply.status, reply.text());
        Ok(digest)
    }

    /// Returns the requests since the start or the last [`RealRegistry::clear`], from the registry's own access log
    /// and in its order (that of the answers). What this value itself asked is left out. To be called when the
    /// answers have been read to their end.
    ///
    /// # Errors
    /// Where the registry has ended, or does not write its log.
    pub fn requests(&self) -> anyhow::Result<Vec<Logged>> {
        let mut all = self.settled()?;
        all.drain(..self.cleared.load(std::sync::atomic::Ordering::SeqCst).min(all.len()));
        Ok(all)
    }

    /// Returns how many requests there were as in [`RealRegistry::requests`] that match a pattern (see
    /// [`Rule::on`](crate::Rule::on)); `*` is all.
    ///
    /// # Errors
    /// As [`RealRegistry::requests`].
    pub fn count(&self, pattern: &str) -> anyhow::Result<usize> {
        let pattern = Pattern::new(pattern);
        Ok(self.requests()?.iter().filter(|logged| pattern.matches(&logged.method, &logged.target)).count())
    }

    /// Forgets the requests so far.
    ///
    /// # Errors
    /// As [`RealRegistry::requests`].
    pub fn clear(&self) -> anyhow::Result<()> {
        self.cleared.store(self.settled()?.len(), std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }

    /// Returns the directory of the registry's storage, which has nothing where a CDN serves it.
    pub(crate) fn storage(&self) -> PathBuf {
        real_config::storage(self.directory.path())
    }

    /// Returns the registry's messages so far, for a test that fails.
    pub fn messages(&self) -> String {
        fs::read_to_string(errors(&self.directory)).unwrap_or_default()
    }

    fn own(
        &self,
        repository: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Reply> {
        let authorization = self.authorization(repository, "pull,push")?;
        let mut headers = headers.to_vec();
        headers.push(("User-Agent", OWN_AGENT));
        if let Some(value) = &authorization {
            headers.push(("Authorization", value));
        }
        plain::send(&self.host, method, target, &headers, body)
    }

    /// Waits until requests of its own are in the log, and returns everybody else's.
    fn settled(&self) -> anyhow::Result<Vec<Logged>> {
        let path = output(&self.directory);
        let mut all = Vec::new();
        for _ in 0..ROUNDS {
            let own = |all: &[Logged]| all.iter().filter(|logged| logged.user_agent == OWN_AGENT).count();
            let before = own(&access_log::parse(&fs::read_to_string(&path)?));
            plain::get(&self.host, "/settled", &[("User-Agent", OWN_AGENT)])?;
            let patience = Instant::now() + PATIENCE;
            loop {
                all = access_log::parse(&fs::read_to_string(&path)?);
                if own(&all) > before {
                    break;
                }
                if let Some(status) = self.process.ended() {
                    bail!("the registry ended by itself ({status}):\n{}", self.messages());
                }
                ensure!(Instant::now() < patience, "the registry did not log a request within 10 s");
                std::thread::sleep(PAUSE);
            }
        }
        all.retain(|logged| logged.user_agent != OWN_AGENT);
        Ok(all)
    }
}

fn output(directory: &TempDir) -> PathBuf {
    directory.path().join("access.log")
}

fn errors(directory: &TempDir) -> PathBuf {
    directory.path().join("messages.log")
}

/// Waits until a registry says that it listens, and returns where.
fn listening(process: &Process, messages: &Path) -> anyhow::Result<String> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(messages).unwrap_or_default();
        if let Some((_, rest)) = text.split_once("listening on ")
            && let Some((host, _)) = rest.split_once('"')
        {
            return Ok(host.to_owned());
        }
        if let Some(status) = process.ended() {
            bail!("the registry ended by itself ({status}):\n{text}");
        }
        ensure!(Instant::now() < patience, "the registry did not listen within 10 s:\n{text}");
        std::thread::sleep(PAUSE);
    }
}
