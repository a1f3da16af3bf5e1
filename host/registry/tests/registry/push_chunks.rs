//! Blobs in one request and in chunks, at registries and proxies with limits or failures.

use bytes::Bytes;
use futures_util::StreamExt as _;
use refkit_content::{Body, Origin, Push};
use refkit_oci::Descriptor;
use refkit_registry::{Client, Uploads};
use refkit_support::{Fault, FaultRegistry, Rule, digest};

use crate::ask::{builder, repository, user};

pub const CHUNK: u64 = 128;

/// Returns a client with chunks of 128 bytes, or up to 1000 where a registry requires it, for blobs of more than 512 bytes
/// from the start.
pub fn small() -> Client {
    builder(user()).uploads(Uploads::default().chunk(CHUNK).whole(512).largest(1000)).build()
}

pub fn blob(size: usize) -> (Descriptor, Bytes) {
    let bytes: Vec<u8> = (0..size).map(|n| (n * n % 251) as u8).collect();
    (Descriptor::new("a/b", digest(&bytes), size as u64), bytes.into())
}

/// Returns a body with pieces of 50 bytes.
pub fn body(bytes: &Bytes) -> Body {
    let pieces: Vec<_> = bytes.chunks(50).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Body { origin: Origin::Memory, stream: futures_util::stream::iter(pieces).boxed() }
}

/// Returns the requests as `METHOD STATUS`; a chunk as `RANGE STATUS`.
pub fn asked(registry: &FaultRegistry) -> String {
    let line = |request: &refkit_support::Request| {
        let what = request.header("content-range").unwrap_or(&request.method).to_owned();
        request.status.map_or(format!("{what} -"), |status| format!("{what} {status}"))
    };
    registry.requests().iter().map(line).collect::<Vec<_>>().join(", ")
}

pub fn on(pattern: &str, fault: Fault) -> Rule {
    Rule::on(pattern, fault)
}

const WHOLE: &str = "HEAD 404, POST 202, PUT 201";

#[tokio::test]
async fn a_blob_is_sent_whole_or_in_chunks() {
    let patch = |fault| on("PATCH *", fault);
    // name; size; faults; requests; requests for the next blob of 300 bytes
    let rows: Vec<(&str, usize, Vec<Rule>, &str, &str)> = vec![
        ("one chunk", 128, vec![], WHOLE, WHOLE),
        ("not much", 512, vec![], WHOLE, WHOLE),
        (
            "much",
            513,
            vec![],
            "HEAD 404, POST 202, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 202, \
             PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least what we hold",
            600,
            vec![on("POST *", Fault::normal().header("oci-chunk-min-length", "128"))],
            "HEAD 404, POST 202, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-599 202, \
             PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least more than one of ours",
            600,
            vec![on("POST *", Fault::normal().header("oci-chunk-min-length", "250"))],
            "HEAD 404, POST 202, 0-249 202, 250-499 202, 500-599 202, PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least the limit",
            3000,
            vec![on("POST *", Fault::normal().header("oci-chunk-min-length", "1000"))],
            "HEAD 404, POST 202, 0-999 202, 1000-1999 202, 2000-2999 202, PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least a part that breaks",
            600,
            vec![
                on("POST *", Fault::normal().header("oci-chunk-min-length", "250")),
                patch(Fault::hang_up().keep(100)).first(1),
            ],
            "HEAD 404, POST 202, 0-249 -, GET 204, 100-349 202, 350-599 202, PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least no number",
            600,
            vec![on("POST *", Fault::normal().header("oci-chunk-min-length", "many"))],
            "HEAD 404, POST 202, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-599 202, PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least more than the limit",
            3000,
            vec![on("POST *", Fault::normal().header("oci-chunk-min-length", "1001"))],
            "HEAD 404, POST 202, DELETE 204, POST 202, PUT 201",
            WHOLE,
        ),
        (
            "chunks of at least an absurd size",
            600,
            vec![on("POST *", Fault::normal().header("oci-chunk-min-length", "4611686018427387904"))],
            "HEAD 404, POST 202, DELETE 204, POST 202, PUT 201",
            WHOLE,
        ),
        (
            "no chunks",
            600,
            vec![patch(Fault::status(405))],
            "HEAD 404, POST 202, 0-127 405, DELETE 204, POST 202, PUT 201",
            WHOLE,
        ),
        (
            "no chunks, said as if it were broken",
            600,
            vec![patch(Fault::status(501))],
            "HEAD 404, POST 202, 0-127 501, DELETE 204, POST 202, PUT 201",
            WHOLE,
        ),
        (
            "chunks too large for a proxy",
            600,
            vec![patch(Fault::status(413)).first(1)],
            "HEAD 404, POST 202, 0-127 413, 0-63 202, 64-127 202, 128-191 202, 192-255 202, \
             256-319 202, 320-383 202, 384-447 202, 448-511 202, 512-575 202, 576-599 202, PUT 201",
            "HEAD 404, POST 202, 0-63 202, 64-127 202, 128-191 202, 192-255 202, 256-299 202, PUT 201",
        ),
        (
            "chunks too large for ghcr.io",
            513,
            vec![patch(Fault::status(416)).first(1)],
            "HEAD 404, POST 202, 0-127 416, GET 204, 0-63 202, 64-127 202, 128-191 202, 192-255 202, \
             256-319 202, 320-383 202, 384-447 202, 448-511 202, 512-512 202, PUT 201",
            "HEAD 404, POST 202, 0-63 202, 64-127 202, 128-191 202, 192-255 202, 256-299 202, PUT 201",
        ),
        (
            "bodies too large for a proxy",
            100,
            vec![on("PUT *", Fault::status(413)).first(1)],
            "HEAD 404, POST 202, PUT 413, DELETE 204, POST 202, 0-49 202, 50-99 202, PUT 201",
            "HEAD 404, POST 202, 0-49 202, 50-99 202, 100-149 202, 150-199 202, 200-249 202, \
             250-299 202, PUT 201",
        ),
        (
            "a chunk arrives and the answer does not",
            513,
            vec![Rule::when(ranges("128-"), Fault::normal().with_status(503)).first(1)],
            "HEAD 404, POST 202, 0-127 202, 128-255 503, GET 204, 256-383 202, 384-511 202, \
             512-512 202, PUT 201",
            WHOLE,
        ),
        (
            "a chunk breaks in the middle",
            513,
            vec![Rule::when(ranges("128-"), Fault::hang_up()).first(1)],
            "HEAD 404, POST 202, 0-127 202, 128-255 -, GET 204, 128-255 202, 256-383 202, 384-511 202, \
             512-512 202, PUT 201",
            WHOLE,
        ),
        (
            "the first chunk breaks, and nothing of it is there",
            513,
            vec![patch(Fault::hang_up()).first(1)],
            "HEAD 404, POST 202, 0-127 -, GET 204, 0-127 202, 128-255 202, 256-383 202, 384-511 202, \
             512-512 202, PUT 201",
            WHOLE,
        ),
        (
            "a chunk stalls",
            513,
            vec![Rule::when(ranges("512-"), Fault::stall()).first(1)],
            "HEAD 404, POST 202, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 -, GET 204, \
             512-512 202, PUT 201",
            WHOLE,
        ),
        (
            "limited, for no time",
            513,
            vec![Rule::when(ranges("512-"), Fault::status(429).header("retry-after", "0")).first(1)],
            "HEAD 404, POST 202, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 429, \
             GET 204, 512-512 202, PUT 201",
            WHOLE,
        ),
        (
            "it says less than it has, and then the truth",
            513,
            vec![patch(Fault::normal().header("range", "bytes=0-99")).first(1)],
            "HEAD 404, POST 202, 0-127 202, 100-127 416, GET 204, 128-255 202, 256-383 202, \
             384-511 202, 512-512 202, PUT 201",
            WHOLE,
        ),
        (
            "it says nothing of what it has",
            513,
            vec![patch(Fault::normal().without("range").without("location"))],
            "HEAD 404, POST 202, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 202, \
             PUT 201",
            WHOLE,
        ),
    ];
    for (name, size, rules, wanted, next) in rows {
        let (registry, asking) = (FaultRegistry::start().unwrap(), small());
        rules.into_iter().for_each(|rule| registry.add(rule));
        for (size, wanted) in [(size, wanted), (300, next)] {
            registry.clear();
            let (what, bytes) = blob(size);
            asking.push_blob(&repository(&registry.host()), &what, body(&bytes)).await.expect(name);
            assert_eq!(asked(&registry), wanted, "{name}: {size} bytes");
            assert_eq!(registry.blob("app", what.digest.as_str()), Some(bytes), "{name}");
            assert_eq!(registry.count("POST *"), registry.count("DELETE *") + 1, "{name}: one upload is kept");
        }
    }
}

/// Matches the chunks whose range begins with `start`.
pub fn ranges(start: &'static str) -> impl Fn(&http::request::Parts) -> bool + Send {
    move |request| {
        let range = request.headers.get("content-range").and_then(|range| range.to_str().ok());
        range.is_some_and(|range| range.starts_with(start))
    }
}
