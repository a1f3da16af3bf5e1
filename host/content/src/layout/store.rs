//! Where the files of a layout are: below a directory or in an archive.

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
    /// Opens what a person named. Blocks.
    pub fn open(path: &Path) -> Result<Self, ErrorKind> {
        match open_named(path)? {
            Opened::Directory(directory) => Ok(Self::Directory(directory)),
            Opened::File(file) => Ok(Self::Archive(Archive::open(file)?)),
        }
    }

    /// Opens one of the files at the top. Blocks.
    pub fn file(&self, name: &str) -> Result<Extent, ErrorKind> {
        match self {
            Self::Directory(directory) => Extent::whole(open_below(directory, &[name])?),
            Self::Archive(archive) => archive.file(name),
        }
    }

    /// Opens a blob; its content is not checked. Blocks.
    pub fn blob(&self, digest: &Digest) -> Result<Extent, ErrorKind> {
        match self {
            Self::Directory(directory) => {
                Extent::whole(open_below(directory, &["blobs", digest.algorithm().as_str(), digest.hex()])?)
            }
            Self::Archive(archive) => archive.blob(digest),
        }
    }
}
