//! Layers: tar archives, the same bytes every time.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use tar::{EntryType, Header};

/// A layer that is built file by file.
pub struct Layer(tar::Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    /// The media type of the result of [`Layer::build`].
    pub const MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

    /// Starts an empty layer.
    pub fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// Adds a directory that all users may write into.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.add(EntryType::Directory, path, 0o1777, b"")
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, content: &[u8]) -> Self {
        self.add(EntryType::Regular, path, 0o644, content)
    }

    /// Adds an executable file from this machine.
    ///
    /// # Errors
    /// An error if it cannot be read.
    pub fn program(self, path: &str, from: &Path) -> anyhow::Result<Self> {
        let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        Ok(self.add(EntryType::Regular, path, 0o755, &content))
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(mut self, path: &str, target: &str) -> Self {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, target).expect("writing to memory");
        self
    }

    /// Returns the uncompressed layer, whose digest is that of its content.
    pub fn build(self) -> Vec<u8> {
        self.0.into_inner().expect("writing to memory")
    }

    fn add(mut self, kind: EntryType, path: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = header(kind, mode, content.len() as u64);
        self.0.append_data(&mut header, path, content).expect("writing to memory");
        self
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}
