//! Reads the headers of a tar archive if they are unambiguous. The programs that unpack layers (containerd and all
//! others that use Go's `archive/tar`) and other readers interpret unusual headers differently, so such a header is an
//! error: the checked files have to be the unpacked ones.

use std::io::{self, Read};

/// The longest extension header, bytes: Go's limit.
const EXTENSION_LIMIT: u64 = 1 << 20;

/// The longest path, and the longest target of a link, in bytes: the limit of Linux.
const PATH_LIMIT: usize = 4095;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
    Symlink,
    HardLink,
    /// A device, a pipe, or a global header, which containerd puts in place of the existing file.
    Other,
}

/// The header of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The path from the root, without `.`, `..` and doubled slashes, as containerd cleans it. Empty for the root.
    pub path: String,
    pub kind: Kind,
    /// The target of a link, as written.
    pub link: String,
    pub mode: u32,
    /// The size of the content in bytes.
    pub size: u64,
}

/// The fields that extension headers set for the entry after them.
#[derive(Debug, Default)]
struct Extended {
    /// Whether there were such headers, and whether they are of POSIX's kind.
    pax: bool,
    gnu: bool,
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

/// Calls a function with each entry and its content, in the order of the archive.
///
/// # Errors
/// The function's error, or an error for an archive that is damaged or ambiguous.
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
        // Archives from before the directory type mark directories by this slash.
        let kind = if block[156] == 0 && name.ends_with('/') { Kind::Directory } else { kind };
        if kind == Kind::Directory && size != 0 {
            return Err(two_ways(&name, "it is no file and has a content"));
        }
        each(Header { path: clean(&name), kind, link, mode, size }, &mut entry)?;
    }
    Ok(())
}

/// Returns a path as containerd unpacks it: cleaned as text, from the root and never above it.
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

/// Returns the name in a header. Readers agree on the prefix of POSIX's format, but not on GNU's: Go reads a prefix
/// from a GNU header that has no times there.
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

/// Returns an octal number, as Go reads it; `None` for another notation.
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

/// Returns a text up to its first NUL. Each byte that is not UTF-8 becomes NUL and its number, which no name contains,
/// so that different names stay different.
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
mod tests;
