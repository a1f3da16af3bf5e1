//! Fixtures of the tests of `refkit frontend image`: fake programs, images of frontends, and the files of layouts and
//! layers.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use refkit_content::{Body, LayoutWriter, Origin, Push};
use refkit_oci::{Descriptor, Reference};
use refkit_support::filters::{DIGESTS, filtered};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, attestation};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::places::layout;
use crate::run::{Ran, Refkit, policy};

/// `e_machine` of x86-64 and AArch64.
pub const AMD64: u16 = 62;
/// See [`AMD64`].
pub const ARM64: u16 = 183;

/// Types of program headers: a segment to load, and the name of a loader.
pub const PT_LOAD: u32 = 1;
/// See [`PT_LOAD`].
pub const PT_INTERP: u32 = 3;

/// Returns a 64-bit executable with one program header and no code.
pub fn elf(machine: u16, header: u32) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(2u16.to_le_bytes()); // e_type: an executable
    bytes.extend(machine.to_le_bytes());
    bytes.extend(1u32.to_le_bytes()); // e_version
    bytes.extend(0x40_1000u64.to_le_bytes()); // e_entry
    bytes.extend(64u64.to_le_bytes()); // e_phoff
    bytes.extend(0u64.to_le_bytes()); // e_shoff
    bytes.extend(0u32.to_le_bytes()); // e_flags
    for half in [64u16, 56, 1, 0, 0, 0] {
        bytes.extend(half.to_le_bytes()); // e_ehsize, e_phentsize, e_phnum, and of the sections
    }
    bytes.extend(header.to_le_bytes());
    bytes.extend([0; 52]);
    bytes.extend(b"\0refkit-frontend-version:9.8.7-test;\0");
    bytes
}

/// A directory with programs for amd64 and arm64 in it.
pub struct Programs(TempDir);

impl Programs {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, machine) in [("amd64", AMD64), ("arm64", ARM64)] {
            std::fs::write(directory.path().join(name), elf(machine, PT_LOAD)).unwrap();
        }
        Self(directory)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn of(&self, name: &str) -> String {
        self.path().join(name).display().to_string()
    }
}

/// Returns the image of a frontend for a platform.
pub fn frontend(platform: &str) -> ImageBuilder {
    ImageBuilder::new(platform)
        .entrypoint(["/bin/frontend", "--flag"])
        .env("PATH", "/bin")
        .label("team", "blue")
        .annotation("org.opencontainers.image.title", "frontend")
        .file("bin/frontend", b"a frontend")
}

/// Returns a layout with an image of three platforms and their attestations.
pub fn base() -> TempDir {
    let mut index = IndexBuilder::new().annotation("org.opencontainers.image.vendor", "Example");
    for platform in ["linux/amd64", "linux/arm64", "linux/s390x"] {
        let image = frontend(platform).build();
        index = index.add(image.clone()).add(attestation(&image));
    }
    layout(&index.build())
}

/// Returns a layout with an image of one platform.
pub fn single() -> TempDir {
    layout(&frontend("linux/amd64").build())
}

pub fn at(layout: &TempDir) -> String {
    format!("oci-layout:{}", layout.path().display())
}

/// Runs `refkit frontend image` with the allow-list and a program for amd64 and one for arm64.
pub fn make(base: &str, more: &[&str]) -> Ran {
    make_with(&Programs::new(), base, more)
}

/// Does the same with given programs.
pub fn make_with(programs: &Programs, base: &str, more: &[&str]) -> Ran {
    let (policy, amd64, arm64) = (policy("allow-list"), programs.of("amd64"), programs.of("arm64"));
    let arguments = ["frontend", "image", base, "--policy", &policy, "--set", "allow=docker.io/library/*"];
    let arguments = arguments.into_iter().chain(["--binary", &amd64, "--binary", &arm64]);
    Refkit::new(arguments.chain(more.iter().copied())).run()
}

/// Runs `refkit frontend image --check`.
pub fn check(image: &str, more: &[&str]) -> Ran {
    Refkit::new(["frontend", "image", "--check", image].into_iter().chain(more.iter().copied())).run()
}

/// Returns the output of a run for a snapshot. It filters digests of compiled code, which depend on the version of the
/// compiler, and the platforms with a compiler, which depend on the machine.
pub fn shown(ran: &Ran) -> String {
    let compiled = (r"(?m)^linux/[a-z0-9]+: this refkit does not compile for it.*\n", "");
    let code = (r"│     (default policy: |)compiled .*", "│     $1[CODE]");
    let size = (r"\b[0-9.]+ k?B\b", "[SIZE]");
    filtered(&ran.all(), &[DIGESTS, &[compiled, code, size]].concat())
}

/// A layout directory, by the files in it.
pub struct Files(PathBuf);

impl Files {
    pub fn of(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }

    /// Returns the blob of a descriptor.
    pub fn blob(&self, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().expect("a descriptor has a digest");
        let hex = digest.strip_prefix("sha256:").expect("the tests have no others");
        let bytes = std::fs::read(self.0.join("blobs/sha256").join(hex)).expect("the blob is there");
        assert_eq!(refkit_support::digest(&bytes).as_str(), digest);
        assert_eq!(Some(bytes.len() as u64), descriptor["size"].as_u64());
        bytes
    }

    pub fn json(&self, descriptor: &Value) -> Value {
        serde_json::from_slice(&self.blob(descriptor)).expect("the blob is JSON")
    }

    /// Returns the descriptor of the only entry, or of the one with a name.
    pub fn entry(&self, name: Option<&str>) -> Value {
        let index: Value = serde_json::from_slice(&std::fs::read(self.0.join("index.json")).unwrap()).unwrap();
        let entries = index["manifests"].as_array().unwrap();
        let named = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"].as_str() == name;
        let found: Vec<&Value> = entries.iter().filter(named).collect();
        assert_eq!(found.len(), 1, "{name:?}: {index}");
        found[0].clone()
    }

    /// Returns every file with its content.
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.0.clone()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&self.0).unwrap().display().to_string();
                    all.insert(name, std::fs::read(path).unwrap());
                }
            }
        }
        all
    }
}

/// A file or directory of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: String,
    pub mode: u32,
    pub content: Vec<u8>,
}

/// Unpacks a layer, and checks that it contains no owner and no time.
pub fn unpack(layer: &[u8]) -> Vec<Entry> {
    // Magic, deflate, no flags, no time; the extra flags and the operating system are constants.
    assert_eq!(layer[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert_eq!(layer[9], 255);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert!(header.as_ustar().is_some(), "a plain header");
        let owner = (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
        assert_eq!(owner, (0, 0, 0));
        assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
        let (mode, path) = (header.mode().unwrap(), entry.path().unwrap().display().to_string());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        Entry { path, mode, content }
    });
    entries.collect()
}

/// Returns a compressed layer with files, and the digest of the archive.
pub fn layer(files: &[(&str, &[u8])]) -> (Vec<u8>, String) {
    let archive = archive(files);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive).unwrap();
    (gzip.finish().unwrap(), refkit_support::digest(&archive).to_string())
}

/// Returns an archive with files at unchanged paths; content that begins with `->` or `=>` makes a symbolic or a hard
/// link.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o755);
        // The header has room for 100 bytes of a path. A longer path has an entry of its own before it.
        let short = path.len() <= 100;
        if short {
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        }
        let links = [(b"->", tar::EntryType::Symlink), (b"=>", tar::EntryType::Link)];
        let link = links.iter().find_map(|(arrow, kind)| Some((content.strip_prefix(*arrow)?, *kind)));
        let content = match link {
            Some((target, kind)) => {
                header.set_entry_type(kind);
                header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target);
                b""
            }
            None => *content,
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        if short {
            builder.append(&header, content).unwrap();
        } else {
            builder.append_data(&mut header, path, content).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

/// An image whose documents a test writes itself.
pub struct Raw {
    pub config: Value,
    pub manifest: Value,
    pub layers: Vec<Vec<u8>>,
}

impl Raw {
    /// Returns the image of an entry, for changes.
    pub fn read(files: &Files, entry: &Value) -> Self {
        let manifest = files.json(entry);
        let layers = manifest["layers"].as_array().unwrap().iter().map(|layer| files.blob(layer)).collect();
        Self { config: files.json(&manifest["config"]), manifest, layers }
    }

    /// Adds a layer on top, or replaces the topmost.
    pub fn layer(&mut self, files: &[(&str, &[u8])], replace: bool) {
        let (bytes, diff_id) = layer(files);
        self.put(bytes, diff_id, replace);
    }

    /// Does the same with a layer's bytes, and the digest of the archive.
    pub fn put(&mut self, bytes: Vec<u8>, diff_id: String, replace: bool) {
        let diff_ids = self.config["rootfs"]["diff_ids"].as_array_mut().unwrap();
        let layers = self.manifest["layers"].as_array_mut().unwrap();
        if replace {
            diff_ids.pop();
            layers.pop();
            self.layers.pop();
        }
        diff_ids.push(diff_id.into());
        layers.push(json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": refkit_support::digest(&bytes).as_str(),
            "size": bytes.len(),
        }));
        self.layers.push(bytes);
    }

    /// Writes it into a new layout, as `latest`.
    pub fn layout(mut self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let config = serde_json::to_vec(&self.config).unwrap();
        self.manifest["config"]["digest"] = refkit_support::digest(&config).as_str().into();
        self.manifest["config"]["size"] = config.len().into();
        let manifest = serde_json::to_vec(&self.manifest).unwrap();
        let blobs: Vec<Vec<u8>> = self.layers.into_iter().chain([config]).collect();
        store(directory.path(), &blobs, &manifest);
        directory
    }
}

/// Writes blobs and a manifest into a layout, as `latest`.
pub fn store(path: &Path, blobs: &[Vec<u8>], manifest: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let writer = LayoutWriter::open(path).await.unwrap();
        let repository = writer.repository().clone();
        for blob in blobs {
            let descriptor = Descriptor::new("", refkit_support::digest(blob), blob.len() as u64);
            let body = Body::from_bytes(Origin::Memory, Bytes::from(blob.clone()));
            writer.push_blob(&repository, &descriptor, body).await.unwrap();
        }
        let to = Reference::new(repository, Some("latest".to_owned()), None).unwrap();
        let media_type: Value = serde_json::from_slice(manifest).unwrap();
        let media_type = media_type["mediaType"].as_str().unwrap();
        writer.push_manifest(&to, media_type, Bytes::copy_from_slice(manifest)).await.unwrap();
    });
}

/// Returns the digests of an image, after a check that it refers to its own content only; for indexes too.
pub fn digests(image: &Image) -> Vec<String> {
    let children = image.children().iter().flat_map(digests);
    let blobs = image.blobs().iter().map(|(descriptor, _)| descriptor.digest.to_string());
    blobs.chain(children).collect()
}
