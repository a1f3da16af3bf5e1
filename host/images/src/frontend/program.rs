//! The programs that stand in front of frontends, one for each platform.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use refkit_oci::Platform;
use refkit_oci::matching::{Matcher, Only};

use super::PROGRAM_LIMIT;
use super::elf::{self, Machine, Unsuitable};

/// The program's name.
pub const NAME: &str = "refkit-frontend";

/// The prefix of program names that contain the platform.
pub const NAME_FOR_PLATFORM: &str = "refkit-frontend-linux-";

/// The mark before the version in a program's bytes; a `;` ends the version.
const MARK: &[u8] = b"refkit-frontend-version:";

/// A static program.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file that it was read from.
    pub path: PathBuf,
    /// The file's content.
    pub bytes: Bytes,
    /// The machine of the program.
    pub machine: Machine,
}

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The file cannot be read.
    #[error("cannot read the program {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not a static program.
    #[error("cannot use the program {}: {reason}", .path.display())]
    Unsuitable {
        /// The file.
        path: PathBuf,
        /// What the file is.
        reason: Unsuitable,
    },
    /// Two files are programs for the same platform.
    #[error("{} and {} are both for {}", .one.display(), .other.display(), .machine.platform())]
    Twice {
        /// The first file.
        one: PathBuf,
        /// The second file.
        other: PathBuf,
        /// The machine of both.
        machine: Machine,
    },
    /// The directory has no program.
    #[error("there is no {NAME} and no {NAME_FOR_PLATFORM}ARCH in {}", .directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
}

impl ProgramError {
    /// Returns the machine of a dynamically linked program.
    pub fn machine(&self) -> Option<Machine> {
        match self {
            Self::Unsuitable { reason: Unsuitable::Dynamic(machine), .. } => Some(*machine),
            _ => None,
        }
    }
}

/// Returns the programs in files.
///
/// # Errors
/// [`ProgramError::Read`] and [`ProgramError::Unsuitable`] for the first file that is no program;
/// [`ProgramError::Twice`].
pub fn named(paths: &[PathBuf]) -> Result<Vec<Program>, ProgramError> {
    let mut found: Vec<Program> = Vec::new();
    for path in paths {
        let program = Program::read(path)?;
        if let Some(one) = found.iter().find(|one| one.machine == program.machine) {
            let (one, other) = (one.path.clone(), path.clone());
            return Err(ProgramError::Twice { one, other, machine: program.machine });
        }
        found.push(program);
    }
    Ok(found)
}

/// Returns the programs in a directory, and the error of the one that was skipped, if there is one. Files whose names
/// contain their platform come first.
///
/// # Errors
/// [`ProgramError::Missing`] if there is none; the others for a file that is no static program, unless it is the one
/// that a build leaves beside a static one.
pub fn in_directory(directory: &Path) -> Result<(Vec<Program>, Option<ProgramError>), ProgramError> {
    let (mut found, mut own): (Vec<Program>, Option<ProgramError>) = (Vec::new(), None);
    for path in candidates(directory) {
        match Program::read(&path) {
            Ok(program) if found.iter().any(|other| other.machine == program.machine) => {}
            Ok(program) => found.push(program),
            // A build leaves a program here that needs libraries; a static one may be beside it.
            Err(error) if path.ends_with(NAME) => own = Some(error),
            Err(error) => return Err(error),
        }
    }
    match own {
        Some(error) if found.is_empty() => Err(error),
        Some(error) if found.iter().any(|program| Some(program.machine) == error.machine()) => Ok((found, None)),
        None if found.is_empty() => Err(ProgramError::Missing { directory: directory.to_owned() }),
        own => Ok((found, own)),
    }
}

/// Returns the paths in a directory that have a program's name; those with a platform come first.
fn candidates(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_for_a_platform(name)).collect();
    names.sort();
    let own = Some(NAME.to_owned()).filter(|name| directory.join(name).is_file());
    names.into_iter().chain(own).map(|name| directory.join(name)).collect()
}

fn is_for_a_platform(name: &str) -> bool {
    let rest = name.strip_prefix(NAME_FOR_PLATFORM).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Program {
    fn read(path: &Path) -> Result<Self, ProgramError> {
        let path = path.to_owned();
        let bytes = match contents(&path) {
            Ok(bytes) => Bytes::from(bytes),
            Err(source) => return Err(ProgramError::Read { path, source }),
        };
        match elf::read(&bytes) {
            Ok(machine) => Ok(Self { path, bytes, machine }),
            Err(reason) => Err(ProgramError::Unsuitable { path, reason }),
        }
    }
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(PROGRAM_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PROGRAM_LIMIT {
        return Err(io::Error::other(format!("it has more than {PROGRAM_LIMIT} bytes")));
    }
    Ok(bytes)
}

/// Returns whether containers of a platform run programs of a machine.
pub fn suits(machine: Machine, platform: &Platform) -> bool {
    let (own, platform) = (machine.platform(), platform.clone().normalized());
    own.architecture == platform.architecture && Only::new(platform).matches(&own)
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

/// Returns whether a program contains a component, byte for byte.
pub fn contains(program: &[u8], component: &[u8]) -> bool {
    let Some(first) = component.get(..16) else { return false };
    let starts = program.windows(first.len()).enumerate().filter(|(_, window)| *window == first);
    starts.map(|(start, _)| start).any(|start| program[start..].starts_with(component))
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

    #[test]
    fn a_component_is_found_whole() {
        let component = b"\0asm the default policy";
        let program = [b"\x7fELF \0asm the default p \0asm ", &component[..], b" and so on"].concat();
        assert!(contains(&program, component));
        assert!(!contains(&program[..program.len() - 11], component));
        assert!(!contains(&program, b"short"));
    }
}
