//! The child: the frontend behind this one, as a process.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{Join, join};
use tokio::process::{ChildStdin, ChildStdout, Command};

/// The names of the signals that end a process and have the same number on every Linux architecture.
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

/// The standard output and input of a child, as one stream.
pub type Stream = Join<ChildStdout, ChildStdin>;

/// The child's program cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("the frontend {name} cannot be started: {source}")]
pub struct NotStarted {
    name: String,
    source: std::io::Error,
}

/// A child process. Dropping it kills the process and everything that the process has started.
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
    /// The system's error where the program is missing or cannot be run.
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

    /// Returns the name of the program.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the child's standard output and input as one stream, at the first call. Dropping the stream closes the
    /// child's standard input.
    pub fn stream(&mut self) -> Option<Stream> {
        self.stream.take()
    }

    /// Waits for the child to end, and kills everything that it has started. A caller may drop the future and call again.
    ///
    /// # Errors
    /// The system's error where it cannot wait for the child.
    pub async fn ended(&mut self) -> std::io::Result<Exit> {
        let status = self.process.wait().await?;
        drop(self.group.take());
        Ok(Exit { name: self.name.clone(), status })
    }

    /// Waits for the child to end by itself, and kills it after `patience`. The owner of its stream has to drop the stream
    /// before.
    ///
    /// Returns `None` for a child that was killed. Everything that the child has started is gone in either case.
    ///
    /// # Errors
    /// The system's error where it cannot wait for the child.
    pub async fn stop(mut self, patience: Duration) -> std::io::Result<Option<Exit>> {
        drop(self.stream.take());
        if let Ok(exit) = tokio::time::timeout(patience, self.ended()).await {
            return exit.map(Some);
        }
        self.process.kill().await?;
        Ok(None)
    }
}

/// The end of a child. Its text is a sentence.
#[derive(Debug, Clone)]
pub struct Exit {
    name: String,
    status: ExitStatus,
}

impl Exit {
    /// Returns whether the child ended with the exit code 0.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Returns the exit code, where the child ended with one.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns the signal, where one ended the child.
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

/// A process group. Dropping it kills the processes of the group.
#[derive(Debug)]
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        // The group is gone already where the child has ended everything itself.
        _ = kill_process_group(self.0, Signal::KILL);
    }
}
