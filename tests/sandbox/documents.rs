//! Hostile documents, read by the default policy in the sandbox: a clear error, and bounded memory.

use refkit::{Absence, Error, Outcome, Parts};
use refkit_tests::stage::{self, INDEX, MANIFEST, Stage};

use crate::memory::{alone, resident};

const AMD64: &str = r#","platform":{"os":"linux","architecture":"amd64"}}"#;
const ARM64: &str = r#","platform":{"os":"linux","architecture":"arm64"}}"#;
const REFERENCE: &str = "registry.test/app:1";

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, entries.join(","))
}

fn entry(media_type: &str, of: &str, size: u64) -> String {
    let digest = refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, of.as_bytes());
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
}

/// Returns an index of so many manifests, each with a digest of its own.
fn wide(entries: usize) -> String {
    index(&(0..entries).map(|number| entry(MANIFEST, &number.to_string(), 1)).collect::<Vec<_>>())
}

/// Adds an image index below so many indexes, each of which lists the next one twice.
fn folded(stage: &Stage, levels: usize) -> String {
    let mut document = stage::image_index(&stage.memory, "registry.test/app", "folded");
    for _ in 0..levels {
        let below = entry(INDEX, &document, document.len() as u64);
        let digest = refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, document.as_bytes());
        stage::put(&stage.memory, &format!("registry.test/app@{digest}"), INDEX, &document);
        document = index(&[below.clone(), below]);
    }
    document
}

/// The name, the document, and the error.
type Row = (&'static str, fn(&Stage) -> String, &'static str);

const ROWS: &[Row] = &[
    ("10^5 entries", |_| wide(100_000), "limit of 4194304 bytes"),
    ("as many entries as 4 MiB hold", |_| wide(25_000), "more than 10000 descriptors"),
    ("2^62 bytes by its entry", |_| index(&[entry(INDEX, "far", 1 << 62)]), "larger than the limit of 4194304 bytes"),
    (
        "2^62 bytes by the entry of an image",
        |_| index(&[AMD64, ARM64].map(|platform| entry(MANIFEST, "far", 1 << 62).replace('}', platform))),
        "larger than the limit of 4194304 bytes",
    ),
    ("2^64 bytes by its entry", |_| index(&[entry(INDEX, "far", 0)]).replace(":0}", ":18446744073709551616}"), "size"),
    ("2^40 images under 40 indexes", |stage| folded(stage, 40), "nested deeper than"),
    ("4 MiB of brackets", |_| "[".repeat(4 << 20), "it is no JSON"),
    (
        "4 MiB of members",
        |_| format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","a":[{}0]}}"#, "0,".repeat(1 << 20)),
        "",
    ),
];

async fn resolve(document: fn(&Stage) -> String) -> Result<Outcome, Error> {
    let stage = Stage::new();
    let text = document(&stage);
    stage::put(&stage.memory, REFERENCE, INDEX, &text);
    let request = stage::request(REFERENCE);
    let parts = Parts { configs: true, ..request.parts };
    stage.resolver().await.resolve(request.with(parts)).await
}

/// Returns the error of the run, or the reasons why images are absent.
fn reason(result: Result<Outcome, Error>) -> String {
    match result {
        Err(error) => error.to_string(),
        Ok(Outcome::Resolved(found)) => {
            let reasons = found.images.into_iter().map(|image| match image {
                Err(Absence::Failed(failure)) => failure.message,
                other => panic!("{other:?}"),
            });
            reasons.collect::<Vec<_>>().join("\n")
        }
        Ok(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_is_refused_with_its_reason() {
    for (name, document, expected) in ROWS {
        let reason = reason(resolve(*document).await);
        assert!(!reason.is_empty() && reason.lines().all(|line| line.len() < 400), "{name}: {reason}");
        assert!(reason.lines().all(|line| line.contains(expected)), "{name}: {reason}");
    }
}

/// A valid document costs no more if it is listed many times.
#[tokio::test]
async fn a_repeated_entry_is_read_once() {
    match resolve(|stage| folded(stage, 2)).await {
        Ok(Outcome::Resolved(found)) => assert_eq!(found.images.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn memory_stays_flat() {
    if !alone("documents::memory_stays_flat") {
        return;
    }
    let mut held = Vec::new();
    for _ in 0..3 {
        // As many runs as the pool has slots.
        for _ in 0..16 {
            for (_, document, _) in ROWS {
                let _ = resolve(*document).await;
            }
        }
        held.push(resident());
    }
    // The host keeps at most 4 MiB of each, in 112 runs.
    assert!(held[2] < held[0] + (16 << 20), "{held:?}");
}
