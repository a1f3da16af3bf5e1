//! Reads what a layer has below `/refkit`. Layers come from strangers: what they unpack to is bounded, and a layer that is
//! not what the config says, or that programs may unpack in different ways there, is an error.

use std::collections::BTreeMap;
use std::io::{self, Read};

use bytes::Bytes;
use refkit_content::verify::Hasher;
use refkit_oci::Digest;

use super::archive::{self, Header, Kind, clean};
use super::compressed;
use super::links::{Links, is_within};
use crate::frontend::PROGRAM_LIMIT;

/// The one directory of which files are kept.
pub const ROOT: &str = "refkit";

/// The most bytes that the layers of one image may unpack to: programs and policies need a fraction of it.
pub const UNPACKED_LIMIT: u64 = 1 << 30;

/// The most bytes that the wanted files of one image may have: as many as the largest program alone.
pub const KEPT_LIMIT: u64 = PROGRAM_LIMIT;

/// The most entries below the directory: several times what a hundred policies have.
const ENTRIES_LIMIT: usize = 1000;

/// The start of the names of files that hide something of the layers below, as OCI image-spec 1.1, section "Whiteouts".
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

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
    /// The content; empty for a file that is not wanted.
    pub content: Bytes,
}

/// The bytes that the layers of one image may still use.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    /// Bytes to unpack.
    pub unpacked: u64,
    /// Bytes to keep in memory.
    pub kept: u64,
}

impl Left {
    /// Returns the limits of an image of which no layer has been read.
    pub fn new() -> Self {
        Self { unpacked: UNPACKED_LIMIT, kept: KEPT_LIMIT }
    }

    /// Subtracts the bytes of a file that is kept.
    ///
    /// # Errors
    /// [`io::Error`] where fewer bytes are left.
    pub fn keep(&mut self, bytes: u64) -> io::Result<()> {
        let text = || format!("the files of the entrypoint have more than {KEPT_LIMIT} bytes");
        self.kept = self.kept.checked_sub(bytes).ok_or_else(|| io::Error::other(text()))?;
        Ok(())
    }
}

/// What a layer has below the directory, and hides of the layers below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    entries: BTreeMap<String, Entry>,
    /// Paths, and whether only what is in them is hidden.
    hidden: Vec<(String, bool)>,
    links: Links,
}

/// What a layer has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// The file.
    File(&'a File),
    /// Something else than a file, or a path below something else than a directory.
    Other,
    /// Nothing, whatever the layers below have.
    Hidden,
    /// Nothing, so that the layers below decide.
    Below,
}

impl Contents {
    /// Reads a layer. Of the files below the directory it keeps those at the wanted paths.
    ///
    /// # Errors
    /// A text for a layer that cannot be read, is too large, or has another content than the config says.
    pub fn read(layer: &[u8], diff_id: &Digest, wanted: &[String], left: &mut Left) -> Result<Self, String> {
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

    fn entries(archive: &mut tar::Archive<impl Read>, wanted: &[String], left: &mut Left) -> io::Result<Self> {
        let mut contents = Self::default();
        let is_wanted = |path: &str| wanted.iter().any(|wanted| wanted.trim_start_matches('/') == path);
        archive::read(archive, |header, content| {
            let keep = header.kind == Kind::File && is_wanted(&header.path);
            contents.add(header, content, keep.then_some(&mut *left))
        })?;
        contents.order_is_nothing()?;
        Ok(contents)
    }

    /// Adds an entry, and its content where there is memory left for it.
    fn add(&mut self, header: Header, content: &mut dyn Read, left: Option<&mut Left>) -> io::Result<()> {
        let Header { path, kind, link, mode, size } = header;
        if path.is_empty() {
            return Ok(());
        }
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
        self.links.entry(&path, decides(name));
        match kind {
            Kind::Symlink => self.links.link(&path, &link),
            Kind::HardLink => {
                let target = clean(&link);
                if is_within(&target, ROOT) {
                    return Err(io::Error::other(format!("/{path} is a hard link to /{target}, and may change it")));
                }
                self.links.entry(&target, decides(target.rsplit('/').next().unwrap_or_default()));
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
            if is_within(&hidden, ROOT) {
                self.hidden.push((hidden, false));
            }
        } else if name == OPAQUE {
            if directory.is_empty() || is_within(directory, ROOT) {
                self.hidden.push((directory.to_owned(), true));
            }
        } else if is_within(&path, ROOT) {
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
            return Err(io::Error::other(format!("it has more than {ENTRIES_LIMIT} entries in /{ROOT}")));
        }
        Ok(())
    }

    /// Checks that the layer does not hide and have the same: what is left then depends on who unpacks it.
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

    /// Returns whether the layer itself makes the directories that a path is in, whatever the layers below have there.
    pub fn makes_directories_of(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        above.all(|directory| self.entries.get(directory) == Some(&Entry::Directory))
    }

    /// Returns whether there is anything that decides about the directory.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.hidden.is_empty()
    }

    /// Returns the bytes of the files that are kept.
    pub fn kept(&self) -> u64 {
        let size = |entry: &Entry| if let Entry::File(file) = entry { file.content.len() as u64 } else { 0 };
        self.entries.values().map(size).sum()
    }

    /// Returns the paths of files.
    pub fn files(&self) -> impl Iterator<Item = String> {
        let file = |(path, entry): (&String, &Entry)| matches!(entry, Entry::File(_)).then(|| format!("/{path}"));
        self.entries.iter().filter_map(file)
    }

    /// Returns what the layer has at a path.
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
fn decides(name: &str) -> bool {
    name == ROOT || name == OPAQUE || name.strip_prefix(WHITEOUT) == Some(ROOT)
}

/// Returns whether a path is hidden by one that is, or of which what is inside is.
fn is_hidden(path: &str, hidden: &str, inside: bool) -> bool {
    hidden.is_empty() || (is_within(path, hidden) && !(inside && path == hidden))
}

/// Hashes what is read, and ends where too much is.
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
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use refkit_content::verify::digest;
    use refkit_oci::Algorithm;

    use super::*;

    /// Returns an archive: a path that ends in `/` is a directory, content that begins with `->` or `=>` a symbolic
    /// or a hard link.
    fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            let mut bytes = content.as_bytes();
            let mut kind = if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular };
            let links = [("->", tar::EntryType::Symlink), ("=>", tar::EntryType::Link)];
            for (arrow, of) in links {
                if let Some(target) = content.strip_prefix(arrow) {
                    header.set_link_name(target.trim_start()).unwrap();
                    (bytes, kind) = (b"", of);
                }
            }
            header.set_entry_type(kind);
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn read(archive: &[u8]) -> Result<Contents, String> {
        let wanted = ["/refkit/a".to_owned(), "/refkit/b/a".to_owned(), "/refkit/ab".to_owned()];
        Contents::read(archive, &digest(Algorithm::Sha256, archive), &wanted, &mut Left::new())
    }

    #[test]
    fn a_layer_decides_or_leaves_it_to_those_below() {
        // entries, path, what is found: the content, or a word
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
        let rows: [Row<'_>; 19] = [
            (&[], "/refkit/a", "below"),
            (&[("refkit/a", "1")], "/refkit/a", "1"),
            (&[("./refkit//a", "1")], "/refkit/a", "1"),
            (&[("/refkit/a", "1")], "/refkit/a", "1"),
            (&[("refkit/a", "1"), ("refkit/a", "2")], "/refkit/a", "2"),
            (&[("refkit/b/../a", "1")], "/refkit/a", "1"),
            (&[("var/../../refkit/a", "1")], "/refkit/a", "1"),
            (&[("other/refkit/a", "1")], "/refkit/a", "below"),
            (&[("refkit/", "")], "/refkit/a", "below"),
            (&[("refkit", "-> /other")], "/refkit/a", "other"),
            (&[("refkit/b", "1")], "/refkit/b/a", "other"),
            (&[("refkit/a", "-> b")], "/refkit/a", "other"),
            (&[("refkit/a/", "")], "/refkit/a", "other"),
            (&[(".wh.refkit", "")], "/refkit/a", "hidden"),
            (&[("refkit/.wh.b", ""), ("refkit/a", "1")], "/refkit/a", "1"),
            (&[("refkit/.wh.a", "")], "/refkit/a", "hidden"),
            (&[("refkit/.wh.a", "")], "/refkit/ab", "below"),
            (&[("refkit/.wh..wh..opq", "")], "/refkit/a", "hidden"),
            (&[(".wh..wh..opq", "")], "/refkit/a", "hidden"),
        ];
        for (entries, path, wanted) in rows {
            let contents = read(&archive(entries)).unwrap();
            let found = match contents.find(path) {
                Found::File(file) => std::str::from_utf8(&file.content).unwrap(),
                Found::Other => "other",
                Found::Hidden => "hidden",
                Found::Below => "below",
            };
            assert_eq!(found, wanted, "{entries:?} {path}");
        }
    }

    #[test]
    fn what_may_be_unpacked_in_two_ways_is_an_error() {
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str);
        let rows: [Row<'_>; 9] = [
            (&[(".wh.refkit", ""), ("refkit/a", "1")], "hides what layers below have"),
            (&[("refkit/a", "1"), (".wh.refkit", "")], "hides what layers below have"),
            (&[("refkit/a", "1"), ("refkit/.wh.a", "")], "hides what layers below have"),
            (&[("refkit/a", "1"), ("refkit/.wh..wh..opq", "")], "hides what layers below have"),
            (&[("refkit/a", "1"), (".wh..wh..opq", "")], "hides what layers below have"),
            (&[("refkit/a", "1"), ("refkit/a/", "")], "twice, as different things"),
            (&[("refkit", "-> x"), ("refkit/", "")], "twice, as different things"),
            (&[("x", "=> refkit/a")], "hard link to /refkit/a"),
            (&[("refkit/.wh..", "")], "hides nothing that has a name"),
        ];
        for (entries, wanted) in rows {
            let error = read(&archive(entries)).unwrap_err();
            assert!(error.contains(wanted), "{entries:?}: {error}");
        }
    }

    #[test]
    fn a_compressed_layer_is_what_the_config_says() {
        let archive = archive(&[("refkit/a", "1")]);
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&archive).unwrap();
        let compressed = gzip.finish().unwrap();
        let id = digest(Algorithm::Sha256, &archive);
        let left = |unpacked| Left { unpacked, kept: 1 };
        let contents = Contents::read(&compressed, &id, &[], &mut left(1_000_000)).unwrap();
        assert_eq!(contents.files().collect::<Vec<_>>(), ["/refkit/a"]);
        let other = digest(Algorithm::Sha256, b"");
        for (bytes, id, unpacked, wanted) in [
            (&compressed[..], &other, 1_000_000, "something else"),
            (&compressed, &id, 1_000, "more than"),
            (&compressed[..compressed.len() - 9], &id, 1_000_000, ""),
            (b"\x28\xb5\x2f\xfd", &id, 1_000_000, ""),
        ] {
            let error = Contents::read(bytes, id, &[], &mut left(unpacked)).unwrap_err();
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
    }

    #[test]
    fn only_what_is_looked_at_is_kept() {
        let archive = archive(&[("refkit/a", "123"), ("refkit/b", "4567"), ("refkit/c", "89")]);
        let id = digest(Algorithm::Sha256, &archive);
        let read = |wanted: &[&str], kept| {
            let wanted: Vec<String> = wanted.iter().map(|path| format!("/refkit/{path}")).collect();
            let mut left = Left { unpacked: 1_000_000, kept };
            Contents::read(&archive, &id, &wanted, &mut left).map(|contents| (contents.kept(), left.kept))
        };
        assert_eq!(read(&[], 0), Ok((0, 0)));
        assert_eq!(read(&["a", "c", "d"], 7), Ok((5, 2)));
        assert_eq!(read(&["a", "b"], 7), Ok((7, 0)));
        assert!(read(&["a", "b"], 6).unwrap_err().contains("the files of the entrypoint have more than"));
    }

    #[test]
    fn damaged_layers_are_errors_or_layers() {
        let whole = archive(&[("refkit/", ""), ("refkit/a", "1"), ("refkit/b", "-> a"), ("refkit/.wh.c", "")]);
        let mut state = 0x5eed_u64;
        for _ in 0..5_000 {
            let mut bytes = whole.clone();
            for _ in 0..6 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let at = state as usize % bytes.len();
                bytes[at] = (state >> 32) as u8;
            }
            // Every other time the checksums of the headers, all blocks of the archive but one, are right again.
            if state & 1 == 0 {
                for block in bytes.chunks_exact_mut(512).filter(|block| block[0] != b'1') {
                    let mut header = tar::Header::from_byte_slice(block).clone();
                    header.set_cksum();
                    block.copy_from_slice(header.as_bytes());
                }
            }
            let _ = read(&bytes);
        }
    }
}
