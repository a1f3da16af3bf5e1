//! Code that was compiled ahead of time: in the cache on disk, in the program itself, and beside a program in an image.
//!
//! Loading such code is running it. So an entry is loaded only where nobody else can have written it, and only where
//! it is whole: the directory and the file belong to this user alone, and the file holds the digest of its code. What
//! a program ships is loaded only where whoever can write it could replace the program as well.
#![allow(unsafe_code)]

use std::fs::{DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use refkit_oci::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::Engine;

/// What an entry begins with: the format, its version.
const MAGIC: &[u8; 16] = b"refkit aot v1\0\0\0";

/// The largest entry that is read, bytes: about 20 times the largest component.
const MAX_ENTRY: u64 = 640 << 20;

/// What a shipped entry begins with: the format, its version.
const SHIPPED: &[u8; 16] = b"refkit shipped 1";

/// Code that was compiled ahead of time and lies beside its component: the format, the component's digest (SHA-256),
/// the code's, the code. So damage, and code of another component, are seen before anything of it is loaded; code for
/// another machine or of another wasmtime is seen by wasmtime.
#[derive(Debug, Clone)]
pub struct Shipped(Bytes);

impl Shipped {
    /// Returns the entry for a component and its code, the output of [`Engine::precompile_for`].
    pub fn encode(component: &[u8], code: &[u8]) -> Vec<u8> {
        let digests = [Sha256::digest(component), Sha256::digest(code)];
        [&SHIPPED[..], &digests[0], &digests[1], code].concat()
    }

    /// Returns the code in an entry, if the entry is whole and belongs to the component. This only looks; whether the
    /// code is what the component says is another question.
    pub fn code<'a>(entry: &'a [u8], component: &[u8]) -> Option<&'a [u8]> {
        let rest = entry.strip_prefix(SHIPPED)?.strip_prefix(&Sha256::digest(component)[..])?;
        let (digest, code) = rest.split_at_checked(32)?;
        (Sha256::digest(code)[..] == *digest).then_some(code)
    }

    /// Returns an entry that may be loaded.
    ///
    /// # Safety
    /// Whoever can have written the bytes may run any code in this process: loading them is running them.
    pub unsafe fn new(entry: Bytes) -> Self {
        Self(entry)
    }

    /// Returns the entry beside a component that this program was shipped with: the file of the same name that ends in
    /// `.cwasm`. None where there is no such file, and where somebody could have written it who cannot replace the
    /// program: it has to lie below the program's own directory, and it and all directories between the two have to
    /// belong to whom the program's file belongs to, who alone may write to them.
    pub fn beside_program(component: &Path) -> Option<Self> {
        Self::below(&std::env::current_exe().ok()?.canonicalize().ok()?, component)
    }

    fn below(program: &Path, component: &Path) -> Option<Self> {
        let path = component.with_extension("cwasm").canonicalize().ok()?;
        let owner = std::fs::metadata(program).ok()?.uid();
        let own = |metadata: &std::fs::Metadata| metadata.uid() == owner && metadata.mode() & 0o022 == 0;
        let between = path.strip_prefix(program.parent()?).ok()?.ancestors().skip(1);
        for directory in between.filter(|directory| !directory.as_os_str().is_empty()) {
            let metadata = std::fs::symlink_metadata(program.parent()?.join(directory)).ok()?;
            if !metadata.is_dir() || !own(&metadata) {
                return None;
            }
        }
        read_own(&path, own).map(|bytes| Self(bytes.into()))
    }

    /// Returns the component, or nothing where the code is damaged, another component's, or for another machine or
    /// version.
    pub(crate) fn load(&self, engine: &Engine, component: &[u8]) -> Option<Component> {
        let code = Self::code(&self.0, component)?;
        // SAFETY: whoever made `self` vouched for the bytes.
        unsafe { Component::deserialize(&engine.wasmtime, code) }.ok()
    }
}

/// Reads a file of limited size, if its metadata suit.
fn read_own(path: &Path, own: impl Fn(&std::fs::Metadata) -> bool) -> Option<Vec<u8>> {
    // O_NOFOLLOW and O_NONBLOCK: neither a link nor a pipe that somebody put there is followed or waited for.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || !own(&metadata) || metadata.len() > MAX_ENTRY {
        return None;
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(MAX_ENTRY).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A directory of compiled components, shared by the processes of one user.
#[derive(Debug, Clone)]
pub struct AotCache {
    directory: PathBuf,
}

impl AotCache {
    /// Returns the cache in a directory, which is made where it is not there, for this user alone.
    ///
    /// # Errors
    /// When it cannot be made, is no directory, belongs to somebody else, or somebody else may write to it.
    pub fn open(directory: impl Into<PathBuf>) -> std::io::Result<Self> {
        let directory = directory.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let metadata = std::fs::symlink_metadata(&directory)?;
        if !metadata.is_dir() || !private(&metadata) {
            let text = format!("{} must be a directory that only its owner can write to", directory.display());
            return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text));
        }
        Ok(Self { directory })
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The name holds all that decides the code: the component, and everything about wasmtime, its settings and this
    /// machine that wasmtime itself looks at.
    fn entry(&self, engine: &wasmtime::Engine, component: &Digest) -> PathBuf {
        let mut name = Key(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut name);
        name.0.update(component.as_str());
        self.directory.join(format!("{}.cwasm", hex(&name.0.finalize())))
    }

    fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let mut bytes = read_own(path, private)?;
        let (head, code) = bytes.split_at_checked(MAGIC.len() + 32)?;
        let whole = head.starts_with(MAGIC) && head[MAGIC.len()..] == Sha256::digest(code)[..];
        if !whole {
            return None;
        }
        bytes.drain(..MAGIC.len() + 32);
        Some(bytes)
    }

    fn write(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
        File::sync_all(file.as_file())?;
        file.persist(path)?;
        Ok(())
    }
}

/// Returns whether the file or directory is this user's, and nobody else may write to it.
fn private(metadata: &std::fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

impl Engine {
    /// Returns a component that was compiled before, if the cache has it, whole.
    pub(crate) fn cached(&self, component: &Digest) -> Option<Component> {
        let cache = self.options.cache.as_ref()?;
        let path = cache.entry(&self.wasmtime, component);
        let code = cache.read(&path)?;
        // SAFETY: only this user can have written the entry, into a directory that only this user can write to; its
        // digest shows that it is whole; and this crate writes nothing there but wasmtime's own output.
        let loaded = unsafe { Component::deserialize(&self.wasmtime, code) };
        loaded.ok()
    }

    /// Compiles a component, and keeps the code where there is a cache.
    pub(crate) fn compile(&self, bytes: &[u8], digest: &Digest) -> wasmtime::Result<Component> {
        let component = Component::from_binary(&self.wasmtime, bytes)?;
        if let Some(cache) = &self.options.cache {
            // A cache that cannot be written costs a compile the next time, and nothing else.
            let _ = cache.write(&cache.entry(&self.wasmtime, digest), &component.serialize()?);
        }
        Ok(component)
    }
}

/// Turns what wasmtime hashes into a digest that is stable between processes.
struct Key(Sha256);

impl Hasher for Key {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
