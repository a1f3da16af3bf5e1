//! The format of an entry: the code, and after it what the code was made of, under one digest.
//!
//! The code stands first, because wasmtime maps it from the file. The trailer has a fixed size: the format, the
//! component's digest, a digest of everything in wasmtime that decides the code, and the seal, a digest of all of it.
//! So an entry that was renamed, cut short or damaged does not pass for another component's code.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use sha2::{Digest as _, Sha256};

/// The format and its version.
const MAGIC: &[u8; 16] = b"refkit aot v2\0\0\0";

/// Bytes of a SHA-256 digest.
const DIGEST: usize = 32;

/// Bytes after the code.
pub(super) const TRAILER: usize = MAGIC.len() + 3 * DIGEST;

/// How much of a file is read at once, bytes.
const STEP: usize = 64 << 10;

/// What code was made of: its component, and everything about wasmtime, its settings and this machine that wasmtime
/// itself looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    component: [u8; DIGEST],
    engine: [u8; DIGEST],
}

impl Key {
    /// Returns the key of the code that an engine makes of a component with this digest (SHA-256).
    pub fn new(engine: &wasmtime::Engine, component: [u8; DIGEST]) -> Self {
        let mut hasher = Compatibility(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self { component, engine: hasher.0.finalize().into() }
    }

    /// Returns the name of the entry's file.
    pub fn name(&self) -> String {
        let digest = Sha256::new().chain_update(self.engine).chain_update(self.component).finalize();
        format!("{}.cwasm", crate::policy::hex(&digest))
    }

    /// Returns the digest of the component.
    pub fn component(&self) -> &[u8; DIGEST] {
        &self.component
    }

    /// Begins the seal, which the code completes.
    fn seal(&self) -> Sha256 {
        Sha256::new().chain_update(MAGIC).chain_update(self.component).chain_update(self.engine)
    }
}

/// Writes an entry.
///
/// # Errors
/// The writer's own.
pub(crate) fn write(mut to: impl Write, key: &Key, code: &[u8]) -> io::Result<()> {
    to.write_all(code)?;
    to.write_all(MAGIC)?;
    to.write_all(&key.component)?;
    to.write_all(&key.engine)?;
    to.write_all(&key.seal().chain_update(code).finalize())?;
    to.flush()
}

/// Returns what a whole entry was made of.
///
/// # Errors
/// What is wrong with the file, for a person.
pub(crate) fn check(file: &File) -> Result<Key, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let size = file.metadata().map_err(unreadable)?.len();
    let code = size.checked_sub(TRAILER as u64).ok_or("it is cut short, or of another format")?;
    let mut trailer = [0; TRAILER];
    file.read_exact_at(&mut trailer, code).map_err(unreadable)?;
    let rest = trailer.strip_prefix(MAGIC).ok_or("it is cut short, or of another format")?;
    let digest = |at: usize| -> [u8; DIGEST] { std::array::from_fn(|index| rest[at * DIGEST + index]) };
    let key = Key { component: digest(0), engine: digest(1) };
    let mut seal = key.seal();
    let mut buffer = vec![0; STEP];
    let mut at = 0;
    while at < code {
        let step = usize::try_from(code - at).unwrap_or(STEP).min(STEP);
        file.read_exact_at(&mut buffer[..step], at).map_err(unreadable)?;
        seal.update(&buffer[..step]);
        at += step as u64;
    }
    if seal.finalize()[..] == digest(2) { Ok(key) } else { Err("its content does not match its digest".to_owned()) }
}

/// Returns the code in the bytes of an entry that was checked.
pub(crate) fn without_trailer(mut entry: Vec<u8>) -> Vec<u8> {
    entry.truncate(entry.len().saturating_sub(TRAILER));
    entry
}

/// Turns what wasmtime hashes into a digest that is stable between processes.
struct Compatibility(Sha256);

impl Hasher for Compatibility {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}
