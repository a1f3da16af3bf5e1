//! Files of the command: locks and Dockerfiles.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use refkit::lock::{LIMIT, Lock};
use refkit_oci::ErrorCode;

use crate::error::CommandError;

/// The most bytes of a Dockerfile: 4 MiB. BuildKit reads one through a message of that size.
const DOCKERFILE: usize = 4 << 20;

/// Reads a lock.
///
/// # Errors
/// The error of a file that cannot be read, or is no lock.
pub fn read(path: &Path) -> anyhow::Result<Lock> {
    let text = text(path, LIMIT).with_context(|| format!("cannot read the lock {}", path.display()))?;
    parse(path, &text)
}

/// Reads a lock if there is one.
///
/// # Errors
/// As [`read`].
pub fn present(path: &Path) -> anyhow::Result<Option<Lock>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read(path).map(Some),
    }
}

fn parse(path: &Path, text: &str) -> anyhow::Result<Lock> {
    let lock = text.parse::<Lock>();
    Ok(lock.map_err(|error| {
        CommandError::failed(ErrorCode::Invalid, format_args!("cannot read the lock {}: {error}", path.display()))
    })?)
}

/// Writes a lock by a rename, if that changes it.
///
/// # Errors
/// The error of the operating system.
pub fn write(path: &Path, lock: &Lock) -> anyhow::Result<()> {
    let text = lock.to_json();
    if fs::read(path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.tmp", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, path));
    written.with_context(|| format!("cannot write the lock {}", path.display()))
}

/// Reads a Dockerfile, or the one in a directory.
///
/// # Errors
/// The error of a file that cannot be read.
pub fn dockerfile(path: &Path) -> anyhow::Result<(PathBuf, String)> {
    let path = if path.is_dir() { path.join("Dockerfile") } else { path.to_owned() };
    let text = text(&path, DOCKERFILE).with_context(|| format!("cannot read {}", path.display()))?;
    Ok((path, text))
}

/// Returns the text of a file. Bytes that are no text become characters that no name has.
fn text(path: &Path, limit: usize) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        let text = format_args!("it is larger than the limit of {limit} bytes");
        return Err(CommandError::failed(ErrorCode::Invalid, text).into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
