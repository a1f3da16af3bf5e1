//! Git bundles: a repository in a file.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use crate::programs::program;
use crate::run::run;

/// The timeout of git: 20 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns a bundle with one commit of one file, and the commit's ID. The bytes are the same every time with one
/// version of git.
///
/// # Errors
/// An error if git is not installed (with the command to run), or fails.
pub fn bundle(file: &str, content: &str) -> anyhow::Result<(Vec<u8>, String)> {
    let directory = tempfile::tempdir()?;
    let repository = directory.path().join("repository");
    fs::create_dir(&repository)?;
    fs::write(repository.join(file), content)?;
    let git = |arguments: &[&str]| {
        let mut command = Command::new(program("git")?);
        command.current_dir(&repository).args(arguments).env_clear();
        command.env("HOME", directory.path()).env("PATH", "/usr/bin:/bin");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "refkit").env(format!("GIT_{who}_EMAIL"), "tests@refkit.invalid");
            command.env(format!("GIT_{who}_DATE"), "2025-01-01T00:00:00Z");
        }
        let ended = run(&mut command, directory.path(), PATIENCE)?;
        ensure!(ended.status.success(), "git {arguments:?}: {}", ended.stderr);
        Ok(ended.stdout.trim().to_owned())
    };
    git(&["init", "--quiet", "--initial-branch", "main"])?;
    git(&["add", file])?;
    git(&["commit", "--quiet", "--message", "One file"])?;
    git(&["bundle", "create", "--quiet", "../bundle", "main"])?;
    Ok((fs::read(directory.path().join("bundle"))?, git(&["rev-parse", "HEAD"])?))
}
