//! Reads the headers of a tar archive, where there is one way to read them. The programs that unpack layers (containerd
//! and all that use Go's `archive/tar`) and other readers differ in what they make of unusual headers, so an archive
//! with one of those is an error: what is checked has to be what is unpacked.

use std::io::{self, Read};

/// The longest extension header, bytes: Go's limit.
const EXTENSION_LIMIT: u64 = 1 << 20;

/// The longest path, and the longest target of a link, bytes: Linux takes no longer one.
const PATH_LIMIT: usize = 4095;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
    Symlink,
    HardLink,
    /// A device, a pipe, or a global header, which containerd puts in the place of what is there.
    Other,
}

/// The header of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The path from the root, without `.`, `..` and doubled slashes, as containerd cleans it. Empty for the root.
    pub path: String,
    pub kind: Kind,
    /// The target of a link, as it is written.
    pub link: String,
    pub mode: u32,
    /// The size of the content in bytes.
    pub size: u64,
}

/// The fields that extension headers set for the entry after them.
#[derive(Debug, Default)]
struct Extended {
    /// Whether there were such headers, and of which kind.
    pax: bool,
    gnu: bool,
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

/// Hands each entry and its content to a function, in the order of the archive.
///
/// # Errors
/// What the function returns; an archive that is damaged, or that can be read in two ways.
pub fn read<R: Read>(
    archive: &mut tar::Archive<R>,
    mut each: impl FnMut(Header, &mut dyn Read) -> io::Result<()>,
) -> io::Result<()> {
    let mut extended = Extended::default();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let block = *entry.header().as_bytes();
        let name = name(&block)?;
        let size = number(&block[124..136]).filter(|size| *size == entry.size());
        let size = size.ok_or_else(|| two_ways(&name, "its size"))?;
        let kind = match block[156] {
            b'x' => {
                if std::mem::replace(&mut extended.pax, true) {
                    return Err(two_ways(&name, "it has two extended headers"));
                }
                records(&name, &extension(&mut entry)?, &mut extended)?;
                continue;
            }
            kind @ (b'L' | b'K') => {
                let content = extension(&mut entry)?;
                let value = Some(text(&content));
                let field = if kind == b'L' { &mut extended.path } else { &mut extended.link };
                if extended.pax || std::mem::replace(field, value).is_some() {
                    return Err(two_ways(&name, "it has two long names"));
                }
                extended.gnu = true;
                continue;
            }
            b'g' => {
                let mut global = Extended::default();
                records(&name, &extension(&mut entry)?, &mut global)?;
                if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                    return Err(two_ways(&name, "a global header names paths or sizes"));
                }
                Kind::Other
            }
            b'0' => Kind::File,
            0 => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' | b'4' | b'6' => Kind::Other,
            b'5' => Kind::Directory,
            other => {
                let kind = char::from(other).escape_default();
                return Err(two_ways(&name, &format!("it is of the type '{kind}', which is not unpacked everywhere")));
            }
        };
        if block[156] == b'g' {
            each(Header { path: clean(&name), kind, link: String::new(), mode: 0, size: 0 }, &mut io::empty())?;
            continue;
        }
        let Extended { pax, gnu, path, link, size: other } = std::mem::take(&mut extended);
        if pax && gnu || other.is_some_and(|other| other != size) {
            return Err(two_ways(&name, "its extended headers contradict each other or the header"));
        }
        if kind != Kind::File && size != 0 {
            return Err(two_ways(&name, "it is no file and has a content"));
        }
        let name = path.unwrap_or(name);
        let link = link.unwrap_or_else(|| text(&block[157..257]));
        if name.len() > PATH_LIMIT || link.len() > PATH_LIMIT {
            return Err(io::Error::other(format!("it has a path or a link of more than {PATH_LIMIT} bytes")));
        }
        let mode = number(&block[100..108]).and_then(|mode| u32::try_from(mode).ok());
        let mode = mode.ok_or_else(|| two_ways(&name, "its mode"))?;
        // As in archives older than the type of directories.
        let kind = if block[156] == 0 && name.ends_with('/') { Kind::Directory } else { kind };
        if kind == Kind::Directory && size != 0 {
            return Err(two_ways(&name, "it is no file and has a content"));
        }
        each(Header { path: clean(&name), kind, link, mode, size }, &mut entry)?;
    }
    Ok(())
}

/// Returns a path as containerd unpacks it: from the root, cleaned as text, never above the root.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the name in a header. Readers agree on the prefix of POSIX's format and on none in GNU's; a GNU header with
/// something else than times there is read with a prefix by Go.
fn name(block: &[u8; 512]) -> io::Result<String> {
    let name = text(&block[..100]);
    let gnu_time = |field: &[u8]| field[0] == 0 || field[0] & 0x80 != 0 || number(field).is_some();
    match (&block[257..263], &block[263..265]) {
        (b"ustar\0", b"00") if block[508..512] != *b"tar\0" => {
            let prefix = text(&block[345..500]);
            Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
        }
        (b"ustar ", b" \0") if gnu_time(&block[345..357]) && gnu_time(&block[357..369]) => Ok(name),
        ([0, 0, 0, 0, 0, 0], [0, 0]) => Ok(name),
        _ => Err(two_ways(&name, "its header is of no known format")),
    }
}

/// Returns a number in octal, as Go reads it; `None` for one that is written in another way.
fn number(field: &[u8]) -> Option<u64> {
    let is_padding = |byte: &u8| *byte == b' ' || *byte == 0;
    let start = field.iter().position(|byte| !is_padding(byte)).unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !is_padding(byte)).map_or(start, |end| end + 1);
    let digits = &field[start..end];
    if !digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| number.checked_mul(8)?.checked_add(u64::from(digit - b'0')))
}

/// Returns a text up to its first NUL. Bytes that are no UTF-8 become NUL and their number, which no name has: so two
/// names that differ stay two.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let mut text = String::new();
    for chunk in field[..end].utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\0{byte:02x}")));
    }
    text
}

fn extension(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    entry.by_ref().take(EXTENSION_LIMIT + 1).read_to_end(&mut content)?;
    if content.len() as u64 > EXTENSION_LIMIT {
        return Err(io::Error::other(format!("an extended header has more than {EXTENSION_LIMIT} bytes")));
    }
    Ok(content)
}

/// Reads the records of an extended header, `LENGTH KEY=VALUE\n` each.
fn records(name: &str, content: &[u8], into: &mut Extended) -> io::Result<()> {
    let malformed = || two_ways(name, "its extended header is malformed");
    let mut rest = content;
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(malformed)?;
        let length: usize = std::str::from_utf8(&rest[..space])
            .ok()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(malformed)?;
        let record = rest.get(space + 1..length).ok_or_else(malformed)?;
        let record = record.strip_suffix(b"\n").ok_or_else(malformed)?;
        rest = &rest[length..];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(malformed)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        let is_overlay = [&b"SCHILY.xattr.trusted.overlay."[..], b"SCHILY.xattr.user.overlay."];
        if key.starts_with(b"GNU.sparse.") || is_overlay.iter().any(|prefix| key.starts_with(prefix)) {
            return Err(two_ways(name, &format!("it has the record {}", text(key))));
        }
        let field = match key {
            b"path" => &mut into.path,
            b"linkpath" => &mut into.link,
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok()).ok_or_else(malformed)?;
                if into.size.replace(size).is_some() {
                    return Err(malformed());
                }
                continue;
            }
            _ => continue,
        };
        if value.is_empty() || value.contains(&0) || field.replace(text(value)).is_some() {
            return Err(malformed());
        }
    }
    Ok(())
}

fn two_ways(name: &str, why: &str) -> io::Error {
    io::Error::other(format!("programs may differ in how they unpack {name:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a header of POSIX's format, of a type and with a content, and the content.
    fn entry(kind: u8, name: &str, content: &[u8], change: impl FnOnce(&mut [u8; 512])) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        let block = header.as_mut_bytes();
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[156] = kind;
        change(block);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    fn plain(kind: u8, name: &str) -> Vec<u8> {
        entry(kind, name, b"", |_| ())
    }

    fn pax(records: &[(&str, &str)]) -> Vec<u8> {
        let mut content = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (1..).map(|digits| rest + digits).find(|length| length.to_string().len() + rest == *length);
            content.push_str(&format!("{} {key}={value}\n", length.unwrap()));
        }
        entry(b'x', "PaxHeaders/a", content.as_bytes(), |_| ())
    }

    fn all(parts: &[Vec<u8>]) -> Result<Vec<(String, Kind)>, String> {
        let mut found = Vec::new();
        let bytes = [parts.concat(), vec![0; 1024]].concat();
        let mut archive = tar::Archive::new(&bytes[..]);
        let read = read(&mut archive, |header, _| {
            found.push((header.path, header.kind));
            Ok(())
        });
        read.map(|()| found).map_err(|error| error.to_string())
    }

    fn put(at: usize, text: &'static [u8]) -> impl FnOnce(&mut [u8; 512]) {
        move |block| block[at..at + text.len()].copy_from_slice(text)
    }

    const GNU: &[u8] = b"ustar  \0";

    #[test]
    fn names_are_read_as_go_reads_them() {
        let long = "d/".repeat(100) + "name";
        let gnu_name = entry(b'L', "././@LongLink", format!("{long}\0").as_bytes(), put(257, GNU));
        // what is in the archive, the only entry
        let rows = [
            (vec![plain(b'0', "a//./b/../c")], "a/c", Kind::File),
            (vec![plain(b'0', "../../c")], "c", Kind::File),
            (vec![plain(0, "old/")], "old", Kind::Directory),
            (vec![plain(b'5', "new/")], "new", Kind::Directory),
            (vec![entry(b'0', "name", b"", put(345, b"some/prefix"))], "some/prefix/name", Kind::File),
            (
                vec![entry(b'0', "name", b"", |block| {
                    put(257, GNU)(block);
                    put(345, b"14000000000\0")(block);
                })],
                "name",
                Kind::File,
            ),
            (vec![gnu_name, entry(b'0', "short", b"", put(257, GNU))], &long, Kind::File),
            (vec![pax(&[("mtime", "1.5"), ("path", "in/pax")]), plain(b'0', "a")], "in/pax", Kind::File),
            (vec![entry(b'g', "global", &pax(&[("comment", "c")])[512..525], |_| ())], "global", Kind::Other),
            (vec![entry(b'0', "", b"", put(0, b"a\xff\xef\xbf\xbd"))], "a\0ff\u{fffd}", Kind::File),
            (vec![plain(b'1', "a")], "a", Kind::HardLink),
            (vec![plain(b'6', "a")], "a", Kind::Other),
        ];
        for (parts, path, kind) in rows {
            assert_eq!(all(&parts), Ok(vec![(path.to_owned(), kind)]));
        }
    }

    #[test]
    fn what_readers_differ_in_is_an_error() {
        let gnu_name = || entry(b'L', "././@LongLink", b"other\0", put(257, GNU));
        // the archive's content, the error
        let rows = [
            // Go takes this for a prefix.
            (
                vec![entry(b'0', "a", b"", |block| {
                    put(257, GNU)(block);
                    put(345, b"refkit/policies")(block);
                })],
                "no known format",
            ),
            (vec![entry(b'0', "a", b"", put(263, b"01"))], "no known format"),
            (vec![entry(b'0', "a", b"", put(508, b"tar\0"))], "no known format"),
            (vec![pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.name", "b")]), plain(b'0', "a")], "GNU.sparse.major"),
            (vec![pax(&[("SCHILY.xattr.trusted.overlay.redirect", "/b")]), plain(b'5', "a")], "overlay.redirect"),
            (vec![pax(&[("size", "512")]), plain(b'0', "a")], "contradict"),
            (vec![pax(&[("path", "b"), ("path", "c")]), plain(b'0', "a")], "malformed"),
            (vec![pax(&[("path", "b")]), pax(&[("path", "c")]), plain(b'0', "a")], "two extended headers"),
            (vec![pax(&[("path", "b")]), gnu_name(), plain(b'0', "a")], "two long names"),
            (vec![gnu_name(), pax(&[("path", "b")]), plain(b'0', "a")], "malformed"),
            (vec![entry(b'x', "p", b"9 path=b", |_| ()), plain(b'0', "a")], "malformed"),
            (vec![entry(b'g', "g", b"9 path=b\n", |_| ())], "global header"),
            (vec![entry(b'2', "a", b"a header that Go reads", |_| ())], "has a content"),
            (vec![entry(b'0', "a", b"1", put(124, b"\0\0\0\0\0\0\0\0\0\x001\0"))], ""),
            (vec![plain(b'S', "a")], "type 'S'"),
            (vec![plain(b'7', "a")], "type '7'"),
            (vec![entry(b'0', "a", b"", put(100, b"8888888\0"))], "its mode"),
        ];
        for (parts, said) in rows {
            let error = all(&parts).expect_err(said);
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
