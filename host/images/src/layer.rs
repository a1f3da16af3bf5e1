//! Makes layers: compressed tar archives, with the same bytes for the same files.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use oci_spec::image::{MediaType, ToDockerV2S2};
use refkit_content::verify::{self, Hasher};
use refkit_oci::document::media_type::DOCKER_MANIFEST;
use refkit_oci::{Algorithm, Descriptor, Digest};

/// A file of the layer.
#[derive(Debug, Clone)]
pub struct File {
    /// The path in the image.
    pub path: String,
    /// The permission bits.
    pub mode: u32,
    /// The content.
    pub content: Bytes,
}

/// A layer of files.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The compressed archive.
    pub bytes: Bytes,
    /// The digest of the compressed archive.
    pub digest: Digest,
    /// The digest of the archive before compression.
    pub diff_id: String,
}

impl Layer {
    /// Returns a layer with files and the directories above them. The entries are sorted by path, belong to root and
    /// have no time.
    ///
    /// # Errors
    /// [`io::Error`] for a path that is too long for the format.
    pub fn new(files: &[File]) -> io::Result<Self> {
        let mut entries: Vec<(String, u32, Option<&Bytes>)> = Vec::new();
        for file in files {
            let path = file.path.trim_start_matches('/');
            let directories = path.match_indices('/').map(|(end, _)| (format!("{}/", &path[..end]), 0o755, None));
            entries.extend(directories);
            entries.push((path.to_owned(), file.mode, Some(&file.content)));
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        entries.dedup_by(|one, other| one.0 == other.0);
        // No name and no time in the header, and the operating system 255, "unknown".
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
        let mut archive = tar::Builder::new(Hashed { to: gzip, hasher: Hasher::new(Algorithm::Sha256) });
        for (path, mode, content) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_path(path)?;
            header.set_mode(mode);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_entry_type(if content.is_some() { tar::EntryType::Regular } else { tar::EntryType::Directory });
            let content = content.map(|content| &content[..]).unwrap_or_default();
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, content)?;
        }
        let Hashed { to, hasher } = archive.into_inner()?;
        let bytes = Bytes::from(to.finish()?);
        Ok(Self { digest: verify::digest(Algorithm::Sha256, &bytes), bytes, diff_id: hasher.finish() })
    }
}

impl Layer {
    /// Returns the layer's descriptor for a manifest of a media type: Docker's manifests list Docker's layers.
    pub fn descriptor(&self, manifest: &str) -> Descriptor {
        let media_type = MediaType::ImageLayerGzip;
        let docker = media_type.to_docker_v2s2().ok().filter(|_| manifest == DOCKER_MANIFEST);
        Descriptor::new(docker.unwrap_or(media_type.as_ref()), self.digest.clone(), self.bytes.len() as u64)
    }
}

/// Hashes the bytes that are written.
struct Hashed<W> {
    to: W,
    hasher: Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
