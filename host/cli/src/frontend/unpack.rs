//! Reads what a layer has below `/refkit`. Layers come from anybody: what they unpack to is bounded, links are not
//! followed, and a layer that is not what the config says is not believed.

use std::collections::BTreeMap;
use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use refkit_content::verify::Hasher;
use refkit_oci::Digest;

use super::PROGRAM_LIMIT;

/// The one directory that is looked into.
const ROOT: &str = "refkit";

/// The most that the layers of one image may unpack to, bytes: programs and policies need a fraction of it.
pub const UNPACKED_LIMIT: u64 = 1 << 30;

/// The most entries below the directory: several times what a hundred policies have.
const ENTRIES_LIMIT: usize = 1000;

/// What the names of files begin with that hide something of the layers below, as OCI image-spec 1.1, section
/// "Whiteouts".
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// What a layer has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Directory,
    File(File),
    Other,
}

/// A file in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Who may do what.
    pub mode: u32,
    /// What is in it.
    pub content: Bytes,
}

/// What a layer has below the directory, and hides of the layers below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    entries: BTreeMap<String, Entry>,
    /// Paths, and whether only what is in them is hidden.
    hidden: Vec<(String, bool)>,
}

/// What a layer says of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// The file.
    File(&'a File),
    /// It is something else, or in something else than a directory.
    Other,
    /// It is not there, whatever the layers below have.
    Hidden,
    /// The layers below decide.
    Below,
}

impl Contents {
    /// Reads a layer. `left` is what may still be unpacked.
    ///
    /// # Errors
    /// A text for a layer that cannot be read, is too large, or has another content than the config says.
    pub fn read(layer: &[u8], diff_id: &Digest, left: &mut u64) -> Result<Self, String> {
        let archive: Box<dyn Read + '_> = match layer {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(layer)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err("it is compressed with zstd, which is not read here".to_owned()),
            _ => Box::new(layer),
        };
        let reader = Bounded { from: archive, hasher: Hasher::new(diff_id.algorithm()), left };
        let mut archive = tar::Archive::new(reader);
        let contents = Self::entries(&mut archive).map_err(|error| error.to_string())?;
        let mut reader = archive.into_inner();
        io::copy(&mut reader, &mut io::sink()).map_err(|error| error.to_string())?;
        if reader.hasher.finish() != diff_id.as_str() {
            return Err("it unpacks to something else than the config says".to_owned());
        }
        Ok(contents)
    }

    fn entries(archive: &mut tar::Archive<impl Read>) -> io::Result<Self> {
        let mut contents = Self::default();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let Some(path) = normal(&String::from_utf8_lossy(&entry.path_bytes())) else { continue };
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == OPAQUE {
                contents.hidden.push((directory.to_owned(), true));
            } else if let Some(name) = name.strip_prefix(WHITEOUT) {
                let separator = if directory.is_empty() { "" } else { "/" };
                contents.hidden.push((format!("{directory}{separator}{name}"), false));
            } else {
                let found = match entry.header().entry_type() {
                    tar::EntryType::Directory => Entry::Directory,
                    tar::EntryType::Regular => {
                        let mut content = Vec::new();
                        entry.by_ref().take(PROGRAM_LIMIT + 1).read_to_end(&mut content)?;
                        if content.len() as u64 > PROGRAM_LIMIT {
                            return Err(io::Error::other(format!("/{path} has more than {PROGRAM_LIMIT} bytes")));
                        }
                        Entry::File(File { mode: entry.header().mode()?, content: content.into() })
                    }
                    _ => Entry::Other,
                };
                contents.entries.insert(path, found);
            }
            if contents.entries.len() + contents.hidden.len() > ENTRIES_LIMIT {
                return Err(io::Error::other(format!("it has more than {ENTRIES_LIMIT} entries in /{ROOT}")));
            }
        }
        Ok(contents)
    }

    /// Returns whether there is anything that decides about the directory.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.hidden.is_empty()
    }

    /// Returns the paths of files.
    pub fn files(&self) -> impl Iterator<Item = String> {
        let file = |(path, entry): (&String, &Entry)| matches!(entry, Entry::File(_)).then(|| format!("/{path}"));
        self.entries.iter().filter_map(file)
    }

    /// Returns what the layer says of a path.
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
        let hides = |(hidden, inside): &(String, bool)| {
            let rest = path.strip_prefix(hidden.as_str());
            rest.is_some_and(|rest| (rest.is_empty() && !inside) || rest.starts_with('/') || hidden.is_empty())
        };
        if self.hidden.iter().any(hides) { Found::Hidden } else { Found::Below }
    }
}

/// Returns a path without `.` and doubled slashes, if it decides about something below the directory.
fn normal(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let first = parts.first()?;
    let decides =
        *first == ROOT || (parts.len() == 1 && (*first == OPAQUE || first.strip_prefix(WHITEOUT) == Some(ROOT)));
    // What steps up is no path in a layer, and nobody unpacks it.
    (decides && !parts.contains(&"..")).then(|| parts.join("/"))
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

    /// Returns an archive: a path that ends in `/` is a directory, content that begins with `->` a link.
    fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            let mut bytes = content.as_bytes();
            let mut kind = if path.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular };
            if let Some(target) = content.strip_prefix("->") {
                header.set_link_name(target).unwrap();
                bytes = b"";
                kind = tar::EntryType::Symlink;
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
        Contents::read(archive, &digest(Algorithm::Sha256, archive), &mut { UNPACKED_LIMIT })
    }

    #[test]
    fn a_layer_decides_or_leaves_it_to_those_below() {
        // entries, path, what is found: the content, or a word
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
        let rows: [Row<'_>; 18] = [
            (&[], "/refkit/a", "below"),
            (&[("refkit/a", "1")], "/refkit/a", "1"),
            (&[("./refkit//a", "1")], "/refkit/a", "1"),
            (&[("/refkit/a", "1")], "/refkit/a", "1"),
            (&[("refkit/a", "1"), ("refkit/a", "2")], "/refkit/a", "2"),
            (&[("refkit/b/../a", "1")], "/refkit/a", "below"),
            (&[("other/refkit/a", "1")], "/refkit/a", "below"),
            (&[("refkit/", "")], "/refkit/a", "below"),
            (&[("refkit", "-> /other")], "/refkit/a", "other"),
            (&[("refkit/b", "1")], "/refkit/b/a", "other"),
            (&[("refkit/a", "-> b")], "/refkit/a", "other"),
            (&[("refkit/a/", "")], "/refkit/a", "other"),
            (&[(".wh.refkit", "")], "/refkit/a", "hidden"),
            (&[(".wh.refkit", ""), ("refkit/a", "1")], "/refkit/a", "1"),
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
    fn a_compressed_layer_is_what_the_config_says() {
        let archive = archive(&[("refkit/a", "1")]);
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&archive).unwrap();
        let compressed = gzip.finish().unwrap();
        let id = digest(Algorithm::Sha256, &archive);
        let contents = Contents::read(&compressed, &id, &mut 1_000_000).unwrap();
        assert_eq!(contents.files().collect::<Vec<_>>(), ["/refkit/a"]);
        let other = digest(Algorithm::Sha256, b"");
        for (bytes, id, mut left, wanted) in [
            (&compressed[..], &other, 1_000_000, "something else"),
            (&compressed, &id, 1_000, "more than"),
            (&compressed[..compressed.len() - 9], &id, 1_000_000, ""),
            (b"\x28\xb5\x2f\xfd", &id, 1_000_000, "zstd"),
        ] {
            let error = Contents::read(bytes, id, &mut left).unwrap_err();
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
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
