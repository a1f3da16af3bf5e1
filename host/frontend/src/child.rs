//! The frontend that runs behind this one: a process with a stream of its own.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{Join, join};
use tokio::process::{ChildStdin, ChildStdout, Command};

/// The signals that end a process, by name: those that have the same number everywhere on Linux.
const SIGNALS: [(i32, &str); 13] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (8, "FPE"),
    (9, "KILL"),
    (11, "SEGV"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (24, "XCPU"),
];

/// What a child writes to and reads from.
pub type Stream = Join<ChildStdout, ChildStdin>;

/// A program that cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("the frontend {name} cannot be started: {source}")]
pub struct NotStarted {
    name: String,
    source: std::io::Error,
}

/// A child, which ends with this at the latest, and what it has started with it.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: tokio::process::Child,
    stream: Option<Stream>,
    group: Option<Group>,
}

impl Child {
    /// Starts a program with the environment and the standard error of this process.
    ///
    /// # Errors
    /// Where it is not there, or cannot be run.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(program: &OsStr, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Self, NotStarted> {
        let name = program.to_string_lossy().into_owned();
        let spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut process = match spawned {
            Ok(process) => process,
            Err(source) => return Err(NotStarted { name, source }),
        };
        let group = process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).map(Group);
        let stream = process.stdout.take().zip(process.stdin.take()).map(|(output, input)| join(output, input));
        Ok(Self { name, process, stream, group })
    }

    /// Returns what it was started as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its standard output and input as one stream, the first time. It reads its end when that is dropped.
    pub fn stream(&mut self) -> Option<Stream> {
        self.stream.take()
    }

    /// Waits for it to end, and ends what it has started. May be given up and begun anew.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub async fn ended(&mut self) -> std::io::Result<Exit> {
        let status = self.process.wait().await?;
        drop(self.group.take());
        Ok(Exit { name: self.name.clone(), status })
    }

    /// Waits for it to end by itself, and ends it where it does not. Whoever has its stream has to drop it before.
    ///
    /// Returns `None` where it had to be ended. In either case it is gone, and so is what it has started.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub async fn stop(mut self, patience: Duration) -> std::io::Result<Option<Exit>> {
        drop(self.stream.take());
        if let Ok(exit) = tokio::time::timeout(patience, self.ended()).await {
            return exit.map(Some);
        }
        self.process.kill().await?;
        Ok(None)
    }
}

/// How a child ended, as a sentence.
#[derive(Debug, Clone)]
pub struct Exit {
    name: String,
    status: ExitStatus,
}

impl Exit {
    /// Returns whether it ended with the exit code 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Returns its exit code, where it ended with one.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns the signal that ended it, where one did.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the frontend {} ended ", self.name)?;
        match (self.code(), self.signal()) {
            (Some(code), _) => write!(f, "with exit code {code}"),
            (None, Some(number)) => match SIGNALS.iter().find(|(signal, _)| *signal == number) {
                Some((_, name)) => write!(f, "by signal {number} ({name})"),
                None => write!(f, "by signal {number}"),
            },
            (None, None) => f.write_str("without saying how"),
        }
    }
}

/// A process group that ends when this goes.
#[derive(Debug)]
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        // It is gone already where all went well.
        _ = kill_process_group(self.0, Signal::KILL);
    }
}
