//! BuildKit's daemon.

mod below;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use parking_lot::{Mutex, MutexGuard};
use refkit_support::{Process, tool};
use tempfile::TempDir;

use crate::programs::program;

/// The timeout of the daemon's start and end: 20 s, well over what a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// The interval of checks of the daemon.
const PAUSE: Duration = Duration::from_millis(10);

/// Mounts a filesystem in memory over the first argument, and executes the other arguments.
const IN_MEMORY: &str = r#"mount -t tmpfs -o mode=0700 tmpfs "$1" && shift && exec "$@""#;

/// The daemon that tests share.
static SHARED: Mutex<Weak<Buildkitd>> = Mutex::new(Weak::new());

/// A daemon on a socket of its own: the OCI worker with runc, and steps on the network of this machine, because there
/// is no other.
///
/// It runs in a PID namespace and a mount namespace, and keeps its content in memory there. The daemon is killed when
/// the value is dropped or the test's process ends; the kernel then ends all its processes and mounts.
pub struct Buildkitd {
    // The order of dropping: first the process, then its directory.
    process: Mutex<Option<Process>>,
    directory: TempDir,
}

impl Buildkitd {
    /// Returns the daemon that all tests of this process share, and starts it if needed. It ends with the last test
    /// that uses it.
    ///
    /// # Errors
    /// As [`Buildkitd::start`].
    pub fn shared() -> anyhow::Result<Arc<Self>> {
        let mut shared = SHARED.lock();
        if let Some(running) = shared.upgrade() {
            return Ok(running);
        }
        let started = Arc::new(Self::start("")?);
        *shared = Arc::downgrade(&started);
        Ok(started)
    }

    /// Starts a daemon with an empty cache. `settings` is added to its `buildkitd.toml`; it uses plain HTTP for
    /// registries on loopback without any.
    ///
    /// # Errors
    /// An error if this is not root, if a program is not installed (with the command to run), or if it does not listen
    /// in time.
    pub fn start(settings: &str) -> anyhow::Result<Self> {
        Self::start_with("native", settings)
    }

    /// Starts a daemon with another snapshotter. `overlayfs` is what most machines have. It does not copy a frontend's
    /// image for every build as `native` does, which matters for time measurements.
    ///
    /// # Errors
    /// As [`Buildkitd::start`].
    pub fn start_with(snapshotter: &str, settings: &str) -> anyhow::Result<Self> {
        Self::launch(&format!("snapshotter = \"{snapshotter}\""), settings)
    }

    /// Starts a daemon whose worker lists these platforms, in this order.
    ///
    /// # Errors
    /// As [`Buildkitd::start`].
    pub fn start_for(platforms: &[&str]) -> anyhow::Result<Self> {
        Self::launch(&format!("snapshotter = \"native\"\nplatforms = {platforms:?}"), "")
    }

    fn launch(worker: &str, settings: &str) -> anyhow::Result<Self> {
        ensure!(fs::metadata("/proc/self")?.uid() == 0, "buildkitd needs root: run these tests as root");
        let (buildkitd, runc, unshare) = (program("buildkitd")?, program("runc")?, tool("unshare")?);
        // The path of a socket has at most 107 bytes, so TMPDIR is not suitable.
        let directory = tempfile::Builder::new().prefix("refkit-e2e-").tempdir_in("/tmp")?;
        let root = directory.path().join("root");
        fs::create_dir(&root)?;
        let configuration = directory.path().join("buildkitd.toml");
        fs::write(&configuration, toml(&root, &runc, worker, settings))?;
        let address = address(directory.path());
        let arguments = [
            &["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", IN_MEMORY, "sh"][..],
            &[text(&root)?, text(&buildkitd)?, "--config", text(&configuration)?, "--addr", &address],
        ]
        .concat();
        let environment = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", text(directory.path())?)];
        let (output, log) = (directory.path().join("output"), log(directory.path()));
        let process = Process::start(&unshare, &arguments, &environment, output, log)?;
        let started = Self { process: Mutex::new(Some(process)), directory };
        started.listening()?;
        Ok(started)
    }

    /// Returns its address for `buildctl`.
    pub fn address(&self) -> String {
        address(self.directory.path())
    }

    /// Returns its log, which includes the standard error of frontends.
    pub fn log(&self) -> String {
        fs::read_to_string(log(self.directory.path())).unwrap_or_default()
    }

    /// Returns the command lines of its running descendants.
    ///
    /// # Errors
    /// An error if `/proc` cannot be read.
    pub fn processes(&self) -> anyhow::Result<Vec<String>> {
        below::processes(&self.address())
    }

    /// Waits until none of its descendants runs.
    ///
    /// # Errors
    /// An error with their command lines if some still run after 20 s.
    pub fn idle(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let running = self.processes()?;
            if running.is_empty() {
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "still running after {PATIENCE:?}: {running:#?}");
            std::thread::sleep(PAUSE);
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock()
    }

    fn connect(&self) -> bool {
        UnixStream::connect(socket(self.directory.path())).is_ok()
    }

    fn listening(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        while !self.connect() {
            if let Some(status) = self.process().as_ref().and_then(Process::ended) {
                bail!("buildkitd ended by itself ({status}):\n{}", self.log());
            }
            ensure!(started.elapsed() < PATIENCE, "buildkitd did not listen within {PATIENCE:?}:\n{}", self.log());
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Buildkitd {
    fn drop(&mut self) {
        // The daemon ends just after its parent, for which this waits.
        drop(self.process().take());
        let dropped = Instant::now();
        while self.connect() && dropped.elapsed() < PATIENCE {
            std::thread::sleep(PAUSE);
        }
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("buildkitd.sock")
}

fn address(directory: &Path) -> String {
    format!("unix://{}", socket(directory).display())
}

fn log(directory: &Path) -> PathBuf {
    directory.join("buildkitd.log")
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Returns the daemon's configuration: without garbage collection, and with all files below its root.
fn toml(root: &Path, runc: &Path, worker: &str, settings: &str) -> String {
    let (root, runc) = (root.display(), runc.display());
    format!(
        r#"root = "{root}"
provenanceEnvDir = "{root}/provenance.d"

[otel]
socketPath = "{root}/otel.sock"

[cdi]
disabled = true

[worker.oci]
enabled = true
{worker}
binary = "{runc}"
networkMode = "host"
gc = false

[worker.containerd]
enabled = false

{settings}
"#
    )
}
