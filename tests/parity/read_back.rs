//! What RefKit wrote, read by other clients: from three registries and from a layout.

use std::path::Path;
use std::time::{Duration, Instant};

use refkit_support::{Auth, Process, RealRegistry, tool};

use crate::places::{demo_image, layout};
use crate::programs::{Client, run, words};

/// The longest wait for crane's registry to listen: 10 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is written: an index of six platforms, attestations and a nested index; a Docker list; an index; and a manifest.
const IMAGES: [&str; 4] = [FULL, DOCKER, "1.1.0", "single"];

/// The one with Docker's media types, which skopeo does not find in a layout.
const DOCKER: &str = "1.0.0";

/// The one that not every client takes whole: crane validates no attestations, and skopeo copies no nested index.
const FULL: &str = "1.2.3";

/// The registry in memory that crane has.
struct CraneRegistry {
    // In the order in which they go: first the process, then its directory.
    _process: Process,
    _directory: tempfile::TempDir,
    host: String,
}

impl CraneRegistry {
    fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let (output, errors) = (directory.path().join("output"), directory.path().join("errors"));
        let arguments = ["registry", "serve", "--address", "127.0.0.1:0"];
        let process = Process::start(&tool("crane")?, &arguments, &[], output, errors.clone())?;
        let start = Instant::now();
        loop {
            let text = std::fs::read_to_string(&errors).unwrap_or_default();
            let port = text.split_once("serving on port ").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((port, _)) = port {
                let host = format!("127.0.0.1:{port}");
                return Ok(Self { _process: process, _directory: directory, host });
            }
            anyhow::ensure!(start.elapsed() < PATIENCE, "crane registry serve does not listen: {text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Runs a client, which has to succeed, and returns its output.
#[track_caller]
fn output(client: Client, line: &str) -> Vec<u8> {
    run(client, &words(line)).success().stdout
}

/// Writes the images to a registry, each in another way, and reads them by every client.
fn registry_is_read(host: &str) {
    let to = |tag: &str| format!("{host}/demo/app:{tag}");
    for tag in IMAGES {
        let image = demo_image(tag);
        let source = layout(&image);
        let source = source.path().display().to_string();
        output(Client::Refkit, &format!("push {source} {}", to(tag)));
        output(Client::Refkit, &format!("copy {} {host}/copied/app:{tag}", to(tag)));
        output(Client::Refkit, &format!("create --prefer-index=false -t {host}/created/app:{tag} {}", to(tag)));
        output(Client::Refkit, &format!("tag {} new-{tag}", to(tag)));
        let references = [
            to(tag),
            format!("{host}/copied/app:{tag}"),
            format!("{host}/created/app:{tag}"),
            to(&format!("new-{tag}")),
        ];
        for reference in &references {
            let regctl = format!("--host reg={host},tls=disabled manifest get --format raw-body {reference}");
            let documents = [
                output(Client::Crane, &format!("manifest {reference}")),
                output(Client::Regctl, &regctl),
                output(Client::Oras, &format!("manifest fetch --plain-http {reference}")),
                output(Client::Skopeo, &format!("inspect --raw --tls-verify=false docker://{reference}")),
            ];
            for document in documents {
                assert_eq!(document.strip_suffix(b"\n").unwrap_or(&document), &*image.bytes, "{reference}");
            }
        }
        // The last one has the content of the first.
        for reference in &references[..3] {
            content_is_read(host, reference, image.digest().as_str(), tag == FULL);
        }
    }
}

/// Pulls everything that a reference names by every client.
fn content_is_read(host: &str, reference: &str, digest: &str, full: bool) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let to = |name: &str| directory.path().join(name).display().to_string();
    if !full {
        output(Client::Crane, &format!("validate --remote {reference}"));
        let skopeo = "--insecure-policy copy --all --preserve-digests --src-tls-verify=false";
        output(Client::Skopeo, &format!("{skopeo} docker://{reference} dir:{}", to("skopeo")));
        let manifest = std::fs::read(Path::new(&to("skopeo")).join("manifest.json")).expect("skopeo writes it");
        assert_eq!(refkit_support::digest(&manifest).as_str(), digest, "skopeo reads {reference}");
    }
    let regctl = format!("--host reg={host},tls=disabled image copy {reference} ocidir://{}:1", to("regctl"));
    output(Client::Regctl, &regctl);
    output(Client::Oras, &format!("cp --from-plain-http --to-oci-layout {reference} {}:1", to("oras")));
    output(Client::Crane, &format!("pull --format oci {reference} {}", to("crane")));
    for name in ["regctl", "oras", "crane"] {
        let index = std::fs::read_to_string(Path::new(&to(name)).join("index.json")).expect("a layout has it");
        assert!(index.contains(digest), "{name} reads {reference} as {index}");
    }
}

#[test]
fn distribution_3_is_read_by_all() {
    let registry = RealRegistry::distribution_v3(Auth::Anonymous).expect("it starts");
    registry_is_read(registry.host());
}

#[test]
fn debian_s_registry_is_read_by_all() {
    let registry = RealRegistry::debian_v2(Auth::Anonymous).expect("it starts");
    registry_is_read(registry.host());
}

#[test]
fn crane_s_registry_is_read_by_all() {
    let registry = CraneRegistry::start().unwrap_or_else(|error| panic!("{error:#}"));
    registry_is_read(&registry.host);
}

#[test]
fn a_layout_is_read_by_all() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let own = directory.path().join("own").display().to_string();
    for tag in IMAGES {
        let image = demo_image(tag);
        let source = layout(&image);
        output(Client::Refkit, &format!("copy {} oci-layout:{own}:{tag}", source.path().display()));
        let mut documents = vec![
            output(Client::Regctl, &format!("manifest get --format raw-body ocidir://{own}:{tag}")),
            output(Client::Oras, &format!("manifest fetch --oci-layout {own}:{tag}")),
        ];
        if tag != DOCKER {
            documents.push(output(Client::Skopeo, &format!("inspect --raw oci:{own}:{tag}")));
        }
        for document in documents {
            assert_eq!(document.strip_suffix(b"\n").unwrap_or(&document), &*image.bytes, "{tag}");
        }
        let to = |name: &str| directory.path().join(format!("{name}-{tag}")).display().to_string();
        if ![FULL, DOCKER].contains(&tag) {
            output(Client::Skopeo, &format!("--insecure-policy copy --all oci:{own}:{tag} dir:{}", to("skopeo")));
        }
        output(Client::Regctl, &format!("image copy ocidir://{own}:{tag} ocidir://{}:1", to("regctl")));
        output(Client::Oras, &format!("cp --from-oci-layout --to-oci-layout {own}:{tag} {}:1", to("oras")));
        for name in ["regctl", "oras"] {
            let index = std::fs::read_to_string(Path::new(&to(name)).join("index.json")).expect("a layout has it");
            assert!(index.contains(image.digest().as_str()), "{name}: {index}");
        }
    }
}
