//! Reads the files of a layout, below a directory or in an archive.

use std::fs::File;
use std::path::Path;

use refkit_oci::Digest;

use super::archive::Archive;
use super::file::{Extent, Opened, open_below, open_named};
use crate::ErrorKind;

/// The files of a layout, read safely.
#[derive(Debug)]
pub(super) enum Store {
    Directory(File),
    Archive(Archive),
}

impl Store {
    /// Opens a path from the user. Blocks.
    pub fn open(path: &Path) -> Result<Self, ErrorKind> {
        match open_named(path)? {
            Opened::Directory(directory) => Ok(Self::Directory(directory)),
            Opened::File(file) => Ok(Self::Archive(Archive::open(file)?)),
        }
    }

    /// Opens a file at the top of the layout. Blocks.
    pub fn file(&self, name: &str) -> Result<Extent, ErrorKind> {
        match self {
            Self::Directory(directory) => Extent::whole(open_below(directory, &[name])?),
            Self::Archive(archive) => archive.file(name),
        }
    }

    /// Opens a blob without verifying it. Blocks.
    pub fn blob(&self, digest: &Digest) -> Result<Extent, ErrorKind> {
        match self {
            Self::Directory(directory) => {
                Extent::whole(open_below(directory, &["blobs", digest.algorithm().as_str(), digest.hex()])?)
            }
            Self::Archive(archive) => archive.blob(digest),
        }
    }
}
