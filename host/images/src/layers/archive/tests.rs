use super::*;

/// Returns a header of POSIX's format with a type and a content, followed by the content.
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
    // the archive, its only entry
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
        // Go reads this as a prefix.
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
