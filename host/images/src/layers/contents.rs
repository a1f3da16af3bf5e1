//! Reads the files of a layer below one directory. Layers are untrusted: their unpacked size is limited, and a layer
//! that contradicts the config, or that programs may unpack in different ways there, is an error.

use std::collections::BTreeMap;
use std::io::{self, Read};

use bytes::Bytes;
use refkit_content::verify::Hasher;
use refkit_oci::Digest;

use super::archive::{self, Header, Kind, clean};
use super::compressed;
use super::links::{Links, is_within};

/// The most unpacked bytes of an image's layers: programs and policies need a fraction of it.
pub const UNPACKED_LIMIT: u64 = 1 << 30;

/// The most entries below the directory: several times what a hundred policies have.
const ENTRIES_LIMIT: usize = 1000;

/// The prefix of files that hide files of the layers below, as OCI image-spec 1.1, section "Whiteouts".
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// The files to read from layers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The directory to read, without a slash at either end; its parent is the root.
    pub directory: String,
    /// The absolute paths of the files that are kept.
    pub paths: Vec<String>,
}

/// An entry below the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Directory,
    File(File),
    Other,
}

/// A file in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The permission bits.
    pub mode: u32,
    /// The content; empty for a file that is not requested.
    pub content: Bytes,
}

/// The limits that remain for the layers of one image.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    /// Bytes to unpack.
    pub unpacked: u64,
    /// Bytes to keep in memory.
    pub kept: u64,
    /// The bytes to keep that an image begins with.
    limit: u64,
}

impl Left {
    /// Returns the limits of an image of which no layer has been read; its wanted files may have so many bytes.
    pub fn new(kept: u64) -> Self {
        Self { unpacked: UNPACKED_LIMIT, kept, limit: kept }
    }

    /// Subtracts the bytes of a kept file.
    ///
    /// # Errors
    /// [`io::Error`] if fewer bytes remain.
    pub fn keep(&mut self, bytes: u64) -> io::Result<()> {
        let text = || format!("the wanted files have more than {} bytes", self.limit);
        self.kept = self.kept.checked_sub(bytes).ok_or_else(|| io::Error::other(text()))?;
        Ok(())
    }
}

/// The entries of a layer below the directory, and the paths that it hides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    entries: BTreeMap<String, Entry>,
    /// Paths, and whether only their content is hidden.
    hidden: Vec<(String, bool)>,
    links: Links,
}

/// The entry of a layer at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// The file.
    File(&'a File),
    /// An entry that is no file, or a path below such an entry.
    Other,
    /// Nothing, and the layers below are hidden.
    Hidden,
    /// Nothing, and the layers below decide.
    Below,
}

impl Contents {
    /// Reads a layer. Of the files below the directory it keeps those at the requested paths.
    ///
    /// # Errors
    /// A text for a layer that cannot be read, is too large, or has another content than the config says.
    pub fn read(layer: &[u8], diff_id: &Digest, wanted: &Wanted, left: &mut Left) -> Result<Self, String> {
        let archive = compressed::archive(layer);
        let Left { unpacked, .. } = left;
        let mut unpacked = *unpacked;
        let reader = Bounded { from: archive, hasher: Hasher::new(diff_id.algorithm()), left: &mut unpacked };
        let mut archive = tar::Archive::new(reader);
        let contents = Self::entries(&mut archive, wanted, left).map_err(|error| error.to_string())?;
        let mut reader = archive.into_inner();
        io::copy(&mut reader, &mut io::sink()).map_err(|error| error.to_string())?;
        if reader.hasher.finish() != diff_id.as_str() {
            return Err("it unpacks to something else than the config says".to_owned());
        }
        left.unpacked = unpacked;
        Ok(contents)
    }

    fn entries(archive: &mut tar::Archive<impl Read>, wanted: &Wanted, left: &mut Left) -> io::Result<Self> {
        let mut contents = Self::default();
        let is_wanted = |path: &str| wanted.paths.iter().any(|wanted| wanted.trim_start_matches('/') == path);
        archive::read(archive, |header, content| {
            let keep = header.kind == Kind::File && is_wanted(&header.path);
            contents.add(header, content, &wanted.directory, keep.then_some(&mut *left))
        })?;
        contents.order_is_nothing()?;
        Ok(contents)
    }

    /// Adds an entry, and its content where there is memory left for it.
    fn add(&mut self, header: Header, content: &mut dyn Read, root: &str, left: Option<&mut Left>) -> io::Result<()> {
        let Header { path, kind, link, mode, size } = header;
        if path.is_empty() {
            return Ok(());
        }
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
        self.links.entry(&path, decides(name, root));
        match kind {
            Kind::Symlink => self.links.link(&path, &link),
            Kind::HardLink => {
                let target = clean(&link);
                if is_within(&target, root) {
                    return Err(io::Error::other(format!("/{path} is a hard link to /{target}, and may change it")));
                }
                self.links.entry(&target, decides(target.rsplit('/').next().unwrap_or_default(), root));
            }
            _ => {}
        }
        if self.links.are_too_many() {
            return Err(io::Error::other("it has too many links and directories to follow them all"));
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT).filter(|_| name != OPAQUE) {
            if ["", ".", ".."].contains(&hidden) {
                return Err(io::Error::other(format!("/{path} hides nothing that has a name")));
            }
            let separator = if directory.is_empty() { "" } else { "/" };
            let hidden = format!("{directory}{separator}{hidden}");
            if is_within(&hidden, root) {
                self.hidden.push((hidden, false));
            }
        } else if name == OPAQUE {
            if directory.is_empty() || is_within(directory, root) {
                self.hidden.push((directory.to_owned(), true));
            }
        } else if is_within(&path, root) {
            let found = match kind {
                Kind::Directory => Entry::Directory,
                Kind::File => {
                    let mut bytes = Vec::new();
                    if let Some(left) = left {
                        left.keep(size)?;
                        bytes.reserve_exact(size as usize);
                        content.read_to_end(&mut bytes)?;
                    }
                    Entry::File(File { mode, content: bytes.into() })
                }
                Kind::Symlink | Kind::HardLink | Kind::Other => Entry::Other,
            };
            let other = |known: &Entry| std::mem::discriminant(known) != std::mem::discriminant(&found);
            if self.entries.get(&path).is_some_and(other) {
                return Err(io::Error::other(format!("it has /{path} twice, as different things")));
            }
            self.entries.insert(path, found);
        }
        if self.entries.len() + self.hidden.len() > ENTRIES_LIMIT {
            return Err(io::Error::other(format!("it has more than {ENTRIES_LIMIT} entries in /{root}")));
        }
        Ok(())
    }

    /// Checks that the layer does not hide and contain the same path: the result would depend on the unpacking
    /// program.
    fn order_is_nothing(&self) -> io::Result<()> {
        for (hidden, inside) in &self.hidden {
            let both = |path: &&String| is_hidden(path, hidden, *inside);
            if let Some(path) = self.entries.keys().find(both) {
                return Err(io::Error::other(format!(
                    "it has /{path}, and hides what layers below have there: programs may differ in what they leave"
                )));
            }
        }
        Ok(())
    }

    /// Returns the links of the layer, and the directories that it writes to.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Returns whether the layer itself creates the directories above a path, whatever the layers below contain.
    pub fn makes_directories_of(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.all(|directory| self.entries.get(directory) == Some(&Entry::Directory))
    }

    /// Returns whether no entry decides about the directory.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.hidden.is_empty()
    }

    /// Returns the bytes of the kept files.
    pub fn kept(&self) -> u64 {
        let size = |entry: &Entry| if let Entry::File(file) = entry { file.content.len() as u64 } else { 0 };
        self.entries.values().map(size).sum()
    }

    /// Returns the paths of files.
    pub fn files(&self) -> impl Iterator<Item = String> {
        let file = |(path, entry): (&String, &Entry)| matches!(entry, Entry::File(_)).then(|| format!("/{path}"));
        self.entries.iter().filter_map(file)
    }

    /// Returns the entry of the layer at a path.
    pub fn find(&self, path: &str) -> Found<'_> {
        let path = path.trim_start_matches('/');
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        if above.filter_map(|directory| self.entries.get(directory)).any(|entry| *entry != Entry::Directory) {
            return Found::Other;
        }
        match self.entries.get(path) {
            Some(Entry::File(file)) => return Found::File(file),
            Some(_) => return Found::Other,
            None => {}
        }
        if self.hidden.iter().any(|(hidden, inside)| is_hidden(path, hidden, *inside)) {
            Found::Hidden
        } else {
            Found::Below
        }
    }
}

/// Returns whether an entry of this name decides about the directory where it is in the root.
fn decides(name: &str, root: &str) -> bool {
    name == root || name == OPAQUE || name.strip_prefix(WHITEOUT) == Some(root)
}

/// Returns whether a path is hidden by another one, or by one whose content is hidden.
fn is_hidden(path: &str, hidden: &str, inside: bool) -> bool {
    hidden.is_empty() || (is_within(path, hidden) && !(inside && path == hidden))
}

/// Hashes the bytes that are read, and ends with an error beyond the limit.
struct Bounded<'a, R> {
    from: R,
    hasher: Hasher,
    left: &'a mut u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        *self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(format!("the layers unpack to more than {UNPACKED_LIMIT} bytes")))?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
