//! A copy of large blobs between two registries needs little memory, and reads and sends each blob once.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test starts itself again as a child, and tells it by the environment what to do"
)]

use std::process::Command;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _};
use refkit_content::verify::Hasher;
use refkit_content::{Body, Origin, Push as _, copy};
use refkit_oci::{Algorithm, Descriptor, Reference, Repository};
use refkit_registry::{Client, Uploads};
use refkit_support::image::MANIFEST;
use refkit_support::{Auth, RealRegistry};

/// The variable that makes this binary the copying process: the source, the destination, and the size from which blobs go
/// in chunks.
const COPIES: &str = "REFKIT_REGISTRY_TEST_COPIES";

/// The sizes of the blobs: 1 GiB, and three of 48 MiB that are copied at the same time.
const SIZES: [u64; 4] = [1 << 30, 48 << 20, 48 << 20, 48 << 20];

/// The most memory of the process: 64 MiB.
const MEMORY: u64 = 64 << 20;

const PIECE: usize = 64 << 10;

/// The bytes of a blob in pieces, all different.
fn pieces(seed: u64, size: u64) -> impl Iterator<Item = Bytes> + Send {
    (0..size / PIECE as u64).map(move |number| {
        let mut piece = BytesMut::zeroed(PIECE);
        piece[..8].copy_from_slice(&number.to_le_bytes());
        piece[8..16].copy_from_slice(&seed.to_le_bytes());
        piece.freeze()
    })
}

fn describe(seed: u64, size: u64) -> Descriptor {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    pieces(seed, size).for_each(|piece| hasher.update(&piece));
    Descriptor::new("application/vnd.oci.image.layer.v1.tar", hasher.finish().parse().expect("a digest"), size)
}

fn entry(of: &Descriptor) -> String {
    format!(r#"{{"mediaType":"{}","digest":"{}","size":{}}}"#, of.media_type, of.digest, of.size)
}

/// Pushes an image with the blobs. No blob is ever in memory as a whole.
async fn fill(host: &str) -> Vec<Descriptor> {
    let asking = Client::builder().system_roots(false).build();
    let repository = Repository::new(host, "app").expect("a repository");
    let blobs: Vec<Descriptor> = (0..).zip(SIZES).map(|(seed, size)| describe(seed, size)).collect();
    for (seed, blob) in (0..).zip(&blobs) {
        let stream = stream::iter(pieces(seed, blob.size).map(Ok)).boxed();
        asking.push_blob(&repository, blob, Body { origin: Origin::Memory, stream }).await.expect("a push");
    }
    let config = Descriptor::new("application/vnd.oci.empty.v1+json", refkit_support::digest(b"{}"), 2);
    let body = Body::from_bytes(Origin::Memory, "{}".into());
    asking.push_blob(&repository, &config, body).await.expect("a push");
    let layers: Vec<String> = blobs.iter().map(entry).collect();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"application/x.large","config":{},"layers":[{}]}}"#,
        entry(&config),
        layers.join(",")
    );
    let name = Reference::new(repository, Some("1".to_owned()), None).expect("a reference");
    asking.push_manifest(&name, MANIFEST, manifest.into()).await.expect("a push");
    blobs
}

/// Returns the peak memory of this process in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().strip_suffix(" kB").expect("in kB").parse::<u64>().expect("a number") << 10
}

/// Copies from one reference to the other, and prints the peak memory.
async fn copies(words: &str) {
    let [from, to, whole] = words.split(' ').collect::<Vec<_>>().try_into().expect("three words");
    let [from, to] = [from, to].map(|name| Reference::parse(name).expect("a reference"));
    let uploads = Uploads::default().whole(whole.parse().expect("a number"));
    let asking = Client::builder().system_roots(false).uploads(uploads).build();
    copy(&asking, &from, &asking, &to).await.expect("a copy");
    println!("peak={}", peak());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_takes_less_than_64_mebibytes() {
    if let Some(words) = std::env::var_os(COPIES) {
        return copies(words.to_str().expect("text")).await;
    }
    let from = RealRegistry::distribution_v3(Auth::Anonymous).unwrap();
    let to = RealRegistry::distribution_v3(Auth::Anonymous).unwrap();
    let blobs = fill(from.host()).await;
    // Each blob in one request, and all but the config in chunks of 6 MiB: 171 and 3 times 8.
    for (repository, whole, patches) in [("whole", u64::MAX, 0), ("chunks", 1 << 20, 195)] {
        from.clear().unwrap();
        to.clear().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_gibibyte_takes_less_than_64_mebibytes", "--nocapture"])
            .env(COPIES, format!("{}/app:1 {}/{repository}:1 {whole}", from.host(), to.host()))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let peak = text.split_once("peak=").and_then(|(_, peak)| peak.split_whitespace().next());
        let peak: u64 = peak.expect("a peak").parse().expect("a number");
        assert!(peak < MEMORY, "{repository}: {peak} bytes");

        // The copy reads each blob once, to its end, and sends it once.
        for blob in &blobs {
            let asked = from.requests().unwrap();
            let reads: Vec<_> = asked.iter().filter(|one| one.path().ends_with(blob.digest.hex())).collect();
            let sent: Vec<_> = reads.iter().map(|one| (one.method.as_str(), one.status, one.bytes_sent)).collect();
            assert_eq!(sent, [("GET", 200, blob.size)], "{reads:?}");
            assert_eq!(to.count(&format!("HEAD */blobs/{}", blob.digest)).unwrap(), 1);
            assert_eq!(to.count(&format!("PUT */uploads/*?*{}", blob.digest.hex())).unwrap(), 1);
        }
        let written = to.requests().unwrap();
        let count = |method: &str| written.iter().filter(|one| one.method == method).count();
        assert_eq!((count("POST"), count("PATCH"), count("PUT"), count("DELETE")), (5, patches, 6, 0), "{repository}");
        assert!(written.iter().all(|one| one.method == "HEAD" || one.status < 300), "{written:?}");
    }
}
