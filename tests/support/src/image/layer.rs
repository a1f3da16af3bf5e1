//! Layers: small, real, and the same bytes every time.

use std::io::Write;

use flate2::{Compression, GzBuilder};

/// Returns a tar archive with one file, and the same compressed.
pub(super) fn archive(path: &str, content: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, path, content).expect("writing to memory");
    let tar = builder.into_inner().expect("writing to memory");
    // No name and no time in the header, and an operating system of 255, "unknown".
    let mut gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    gzip.write_all(&tar).expect("writing to memory");
    let compressed = gzip.finish().expect("writing to memory");
    (tar, compressed)
}
