//! The secret key of one cache, and the hashes with it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use refkit_oci::Algorithm;

use super::directory::{Directory, Found};
use super::unfinished::Unfinished;
use crate::verify::Hasher;

/// The file's name in the cache.
pub(super) const NAME: &str = "key";

/// A random key. The cache hashes principals with it, so that its files reveal nothing about credentials, even to a reader
/// who can guess them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Returns a new key.
    pub fn random() -> io::Result<Self> {
        let mut key = [0; 32];
        File::open(Path::new("/dev/urandom"))?.read_exact(&mut key)?;
        Ok(Self(key))
    }

    /// Returns the key of a cache; none if it is absent or damaged.
    pub fn read(root: &Directory) -> io::Result<Option<Self>> {
        let Found::File(file) = root.file(NAME)? else { return Ok(None) };
        let mut key = [0; 32];
        let whole = file.metadata()?.len() == key.len() as u64 && file.read_exact_at(&mut key, 0).is_ok();
        Ok(whole.then_some(Self(key)))
    }

    /// Stores a key for a cache. If another process was first, returns the key of that process.
    pub fn put(root: &Directory, mut unfinished: Unfinished) -> io::Result<Self> {
        let key = Self::random()?;
        unfinished.write(&key.0)?;
        if Self::read(root)?.is_none() {
            // A damaged key is useless.
            root.remove(NAME)?;
        }
        match unfinished.link(root, NAME) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        Self::read(root)?.ok_or_else(|| io::Error::other(format!("its file `{NAME}` cannot be read")))
    }

    /// Returns the hash of some parts, in hexadecimal. It covers the length of each part, so that no two lists have
    /// the same hash.
    pub fn hash(&self, parts: &[&[u8]]) -> String {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&self.0);
        for part in parts {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finish().split_off("sha256:".len())
    }
}
