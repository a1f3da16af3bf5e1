use std::io::Write;

use flate2::write::GzEncoder;
use refkit_content::verify::digest;
use refkit_oci::Algorithm;

use super::*;

/// Returns an archive. A path that ends in `/` is a directory; content that begins with `->` or `=>` makes a symbolic
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
    let wanted = wanted(&["a", "b/a", "ab"]);
    Contents::read(archive, &digest(Algorithm::Sha256, archive), &wanted, &mut Left::new(1_000_000))
}

/// Returns that files below `/refkit` are wanted.
fn wanted(paths: &[&str]) -> Wanted {
    let paths = paths.iter().map(|path| format!("/refkit/{path}")).collect();
    Wanted { directory: "refkit".to_owned(), paths }
}

#[test]
fn a_layer_decides_or_leaves_it_to_those_below() {
    // entries, path, the result: the content, or a word
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
    let left = |unpacked| Left { unpacked, ..Left::new(1) };
    let contents = Contents::read(&compressed, &id, &wanted(&[]), &mut left(1_000_000)).unwrap();
    assert_eq!(contents.files().collect::<Vec<_>>(), ["/refkit/a"]);
    let other = digest(Algorithm::Sha256, b"");
    for (bytes, id, unpacked, wanted) in [
        (&compressed[..], &other, 1_000_000, "something else"),
        (&compressed, &id, 1_000, "more than"),
        (&compressed[..compressed.len() - 9], &id, 1_000_000, ""),
        (b"\x28\xb5\x2f\xfd", &id, 1_000_000, ""),
    ] {
        let error = Contents::read(bytes, id, &self::wanted(&[]), &mut left(unpacked)).unwrap_err();
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[test]
fn only_what_is_looked_at_is_kept() {
    let archive = archive(&[("refkit/a", "123"), ("refkit/b", "4567"), ("refkit/c", "89")]);
    let id = digest(Algorithm::Sha256, &archive);
    let read = |paths: &[&str], kept| {
        let mut left = Left::new(kept);
        Contents::read(&archive, &id, &wanted(paths), &mut left).map(|contents| (contents.kept(), left.kept))
    };
    assert_eq!(read(&[], 0), Ok((0, 0)));
    assert_eq!(read(&["a", "c", "d"], 7), Ok((5, 2)));
    assert_eq!(read(&["a", "b"], 7), Ok((7, 0)));
    assert!(read(&["a", "b"], 6).unwrap_err().contains("the wanted files have more than"));
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
        // In every other round the checksums of all headers but one are corrected.
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

#[test]
fn only_the_named_directory_is_looked_into() {
    let archive = archive(&[("refkit/a", "1"), ("opt/a", "2"), (".wh.refkit", ""), ("opt/.wh.b", "")]);
    let id = digest(Algorithm::Sha256, &archive);
    let wanted = Wanted { directory: "opt".to_owned(), paths: vec!["/opt/a".to_owned(), "/refkit/a".to_owned()] };
    let error = Contents::read(&archive, &id, &wanted, &mut Left::new(0)).unwrap_err();
    assert!(error.contains("the wanted files have more than 0 bytes"), "{error}");
    let contents = Contents::read(&archive, &id, &wanted, &mut Left::new(1)).unwrap();
    assert_eq!(contents.files().collect::<Vec<_>>(), ["/opt/a"]);
    assert_eq!((contents.find("/opt/b"), contents.find("/refkit/a")), (Found::Hidden, Found::Below));
}
