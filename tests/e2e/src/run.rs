//! Runs a program with a timeout.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// The interval of checks whether the program has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// The result of a program.
pub(crate) struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
}

/// Runs a program to its end, with its output in files of the directory.
pub(crate) fn run(command: &mut Command, directory: &Path, patience: Duration) -> anyhow::Result<Ended> {
    let (output, errors) = (directory.join("stdout"), directory.join("stderr"));
    command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&errors)?);
    let text = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            bail!("{command:?} did not end within {patience:?}:\n{}", text(&errors)?);
        }
        std::thread::sleep(PAUSE);
    };
    Ok(Ended { status, stdout: text(&output)?, stderr: text(&errors)?, elapsed: started.elapsed() })
}
