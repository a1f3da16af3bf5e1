//! A child process that ends with its value.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;

/// Where util-linux puts the program that has the kernel end a child with its parent.
const SETPRIV: &str = "/usr/bin/setpriv";

/// Between two looks at whether the process has ended by itself.
const PAUSE: Duration = Duration::from_millis(50);

/// A process with its output in files. It is killed and waited for when the value is dropped; where `setpriv` is
/// there, the kernel kills it as well when this process ends in any other way.
pub struct Process {
    stop: Option<mpsc::Sender<()>>,
    // Threads of one test share the process.
    ended: Mutex<mpsc::Receiver<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a program with the given environment and nothing else of this process's.
    ///
    /// # Errors
    /// Where there is no such program, or a file for its output cannot be made.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        output: PathBuf,
        errors: PathBuf,
    ) -> anyhow::Result<Self> {
        let mut command = if Path::new(SETPRIV).is_file() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "KILL"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(output)?)
            .stderr(File::create(errors)?);
        let (stop, stopped) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let (started, outcome) = mpsc::channel();
        // The kernel takes the thread that started the child for its parent, so one thread does nothing else.
        let thread = std::thread::Builder::new().name("child process".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(problem) => return drop(started.send(Err(problem))),
            };
            let _ = started.send(Ok(()));
            while stopped.recv_timeout(PAUSE) == Err(mpsc::RecvTimeoutError::Timeout) {
                if let Ok(Some(status)) = child.try_wait() {
                    return drop(end.send(status.to_string()));
                }
            }
            // Both fail only where the child has ended already.
            let _ = child.kill();
            let _ = child.wait();
        })?;
        outcome
            .recv()
            .context("the thread of the process ended before it started anything")?
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { stop: Some(stop), ended: Mutex::new(ended), thread: Some(thread) })
    }

    /// Returns how the process ended, if it has ended by itself.
    pub fn ended(&self) -> Option<String> {
        self.ended.lock().try_recv().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
