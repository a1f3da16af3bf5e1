//! The programs that stand in front of frontends, one for each platform.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use refkit::ErrorCode;
use refkit_images::frontend::PROGRAM_LIMIT;
use refkit_images::frontend::elf::{self, Machine, Unsuitable};
use refkit_oci::Platform;
use refkit_oci::matching::{Matcher, Only};

use crate::error::CommandError;
use crate::error::plain;

/// The program's name, and what the names for other platforms begin with.
const NAME: &str = "refkit-frontend";
const OTHERS: &str = "refkit-frontend-linux-";

/// What stands before the version in a program's bytes; a `;` ends it.
const MARK: &[u8] = b"refkit-frontend-version:";

/// A static program.
#[derive(Debug, Clone)]
pub struct Binary {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Bytes,
    /// The machine it is for.
    pub machine: Machine,
}

/// Returns the programs that were named, or those beside this one; and what was passed over.
///
/// # Errors
/// When one cannot be used, two are for the same platform, or there is none.
pub fn find(named: &[PathBuf]) -> Result<(Vec<Binary>, Vec<String>), CommandError> {
    let mut notes = Vec::new();
    let mut found: Vec<Binary> = Vec::new();
    for path in named {
        let binary = Binary::read(path).map_err(|refused| refused.failure)?;
        if let Some(other) = found.iter().find(|other| other.machine == binary.machine) {
            let (one, other, platform) = (other.path.display(), path.display(), binary.machine.platform());
            return Err(CommandError::usage(format_args!("{one} and {other} are both for {platform}")));
        }
        found.push(binary);
    }
    if !named.is_empty() {
        return Ok((found, notes));
    }
    let directory = directory()?;
    let mut own: Option<Refused> = None;
    for path in beside(&directory) {
        match Binary::read(&path) {
            Ok(binary) if found.iter().any(|other| other.machine == binary.machine) => {}
            Ok(binary) => found.push(binary),
            // What cargo leaves beside this program needs libraries; a static one may be beside it.
            Err(refused) if path.ends_with(NAME) => own = Some(refused),
            Err(refused) => return Err(refused.failure),
        }
    }
    match own {
        Some(refused) if found.is_empty() => return Err(refused.failure),
        Some(refused) if found.iter().any(|binary| Some(binary.machine) == refused.machine) => {}
        Some(refused) => notes.push(format!("passed over: {}", refused.failure)),
        None => {}
    }
    if found.is_empty() {
        let what = format_args!("there is no {NAME} and no {OTHERS}ARCH in {}", directory.display());
        let failure = CommandError::failed(ErrorCode::NotFound, what);
        return Err(failure.hint("run make frontend in a checkout of RefKit, or name one with --binary FILE"));
    }
    Ok((found, notes))
}

/// Returns where this program is.
fn directory() -> Result<PathBuf, CommandError> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let failed = |error: io::Error| {
        let what = format_args!("cannot find the directory of this program: {}", plain(&error));
        CommandError::failed(ErrorCode::Other, what).hint("name a program with --binary FILE")
    };
    let program = program.map_err(failed)?;
    Ok(program.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Returns the programs in a directory: those that say for which platform they are first.
fn beside(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_for_a_platform(name)).collect();
    names.sort();
    let own = Some(NAME.to_owned()).filter(|name| directory.join(name).is_file());
    names.into_iter().chain(own).map(|name| directory.join(name)).collect()
}

fn is_for_a_platform(name: &str) -> bool {
    let rest = name.strip_prefix(OTHERS).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A file that is no program for an image.
struct Refused {
    failure: CommandError,
    /// The machine it is for, where it is a program all the same.
    machine: Option<Machine>,
}

impl Binary {
    fn read(path: &Path) -> Result<Self, Refused> {
        let bytes = contents(path).map_err(|error| {
            let not_found = error.kind() == io::ErrorKind::NotFound;
            let code = if not_found { ErrorCode::NotFound } else { ErrorCode::Other };
            let what = format_args!("cannot read the program {}: {}", path.display(), plain(&error));
            Refused { failure: CommandError::failed(code, what), machine: None }
        })?;
        let machine = elf::read(&bytes).map_err(|unsuitable| {
            let what = format_args!("cannot use the program {}: {unsuitable}", path.display());
            let machine = if let Unsuitable::Dynamic(machine) = unsuitable { Some(machine) } else { None };
            let hint = "build a static one: ".to_owned() + &build(machine);
            Refused { failure: CommandError::failed(ErrorCode::Invalid, what).hint(hint), machine }
        })?;
        Ok(Self { path: path.to_owned(), bytes: bytes.into(), machine })
    }
}

/// Returns whether containers of a platform run programs of a machine.
pub fn suits(machine: Machine, platform: &Platform) -> bool {
    let (own, platform) = (machine.platform(), platform.clone().normalized());
    own.architecture == platform.architecture && Only::new(platform).matches(&own)
}

/// Returns the line that builds the program for a machine, or for the most common one.
pub fn build(machine: Option<Machine>) -> String {
    let triple = machine.map_or("x86_64-unknown-linux-musl", |machine| machine.triple);
    format!("cargo build --release --package {NAME} --target {triple}")
}

/// Returns the version that a program carries.
pub fn version(bytes: &[u8]) -> Option<&str> {
    let starts = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    let mut versions = starts.filter_map(|(start, _)| {
        let text = bytes.get(start + MARK.len()..)?;
        let text = text.get(..text.iter().take(40).position(|byte| *byte == b';')?)?;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
        if text.is_empty() || !text.iter().all(plain) { None } else { std::str::from_utf8(text).ok() }
    });
    versions.next()
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(PROGRAM_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PROGRAM_LIMIT {
        return Err(io::Error::other(format!("it has more than {PROGRAM_LIMIT} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_tells_its_version() {
        let rows: [(&[u8], Option<&str>); 7] = [
            (b"", None),
            (b"\0refkit-frontend-version:1.2.3-rc.1;\0", Some("1.2.3-rc.1")),
            (b"refkit-frontend-version:\0refkit-frontend-version:0.1.0;", Some("0.1.0")),
            (b"refkit-frontend-version:;", None),
            (b"refkit-frontend-version:1 2;", None),
            (b"refkit-frontend-version:1.2", None),
            (b"refkit-frontend-version:11111111111111111111111111111111111111111111;", None),
        ];
        for (bytes, wanted) in rows {
            assert_eq!(version(bytes), wanted, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn names_say_for_which_platform() {
        for (name, wanted) in [
            ("refkit-frontend-linux-arm64", true),
            ("refkit-frontend-linux-arm-v7", true),
            ("refkit-frontend-linux-", false),
            ("refkit-frontend-linux-arm64.d", false),
            ("refkit-frontend", false),
        ] {
            assert_eq!(is_for_a_platform(name), wanted, "{name}");
        }
    }
}
