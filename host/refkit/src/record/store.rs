//! Recordings in a directory: `blobs/ALGORITHM/HEX`, as in an OCI image layout, for recordings and contents alike.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use refkit_content::verify;
use refkit_oci::Digest;

use super::{Document, Recording};

/// The most bytes of one file: a run reads no larger content.
const LIMIT: u64 = 256 << 20;

/// Recordings and their contents in a directory.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store has no such file.
    #[error("{digest} is not in {}", .directory.display())]
    Missing {
        /// The digest of the recording, or of a content.
        digest: Digest,
        /// The directory.
        directory: PathBuf,
    },
    /// The bytes of a file have another digest.
    #[error("{}: the content has another digest than the name of the file says", .0.display())]
    Damaged(PathBuf),
    /// A file with the right digest is no recording.
    #[error("{}: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A file is too large.
    #[error("{} is larger than the limit of {LIMIT} bytes", .0.display())]
    TooLarge(PathBuf),
    /// A file or the directory cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file or the directory.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        error: io::Error,
    },
}

impl Store {
    /// Returns the store in a directory. [`Store::put`] makes the directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Writes a recording and its contents, and returns its digest. What is there stays.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn put(&self, recording: &Recording) -> Result<Digest, StoreError> {
        for (digest, bytes) in recording.contents() {
            self.write(digest, bytes)?;
        }
        let (digest, json) = (recording.digest(), recording.to_json());
        self.write(&digest, &json)?;
        Ok(digest)
    }

    /// Reads a recording and its contents, and verifies all digests.
    ///
    /// # Errors
    /// [`StoreError`]: the first file that is missing or damaged.
    pub fn get(&self, digest: &Digest) -> Result<Recording, StoreError> {
        let malformed = |reason: String| StoreError::Malformed { path: self.path(digest), reason };
        let json = self.read(digest)?;
        let document: Document = serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
        let mut contents = BTreeMap::new();
        for text in &document.contents {
            let digest: Digest = text.parse().map_err(|error| malformed(format!("{error}")))?;
            let bytes = self.read(&digest)?;
            contents.insert(digest, bytes);
        }
        Ok(Recording { document, contents })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let (algorithm, hex) = digest.as_str().split_once(':').unwrap_or_default();
        self.directory.join("blobs").join(algorithm).join(hex)
    }

    fn read(&self, digest: &Digest) -> Result<Bytes, StoreError> {
        let path = self.path(digest);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { digest: digest.clone(), directory: self.directory.clone() });
            }
            Err(error) => return Err(StoreError::Io { path, error }),
        };
        let mut bytes = Vec::new();
        if let Err(error) = file.take(LIMIT + 1).read_to_end(&mut bytes) {
            return Err(StoreError::Io { path, error });
        }
        if bytes.len() as u64 > LIMIT {
            return Err(StoreError::TooLarge(path));
        }
        match verify::digest(digest.algorithm(), &bytes) == *digest {
            true => Ok(bytes.into()),
            false => Err(StoreError::Damaged(path)),
        }
    }

    /// Writes a file and renames it, so that no reader sees an incomplete file.
    fn write(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(digest);
        if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
            return Ok(());
        }
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = write_whole(&path, &unfinished, bytes);
        written.map_err(|error| StoreError::Io { path, error })
    }
}

fn write_whole(path: &Path, unfinished: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = fs::File::create(unfinished)?;
    file.write_all(bytes)?;
    fs::rename(unfinished, path)
}
