//! Uploads that break, and go on from where the registry has them.

use bytes::Bytes;
use futures_util::StreamExt as _;
use refkit_content::{Body, ErrorCode, Origin, Push as _, fetch};
use refkit_oci::{Descriptor, Repository};
use refkit_registry::{Client, Uploads};
use refkit_support::{Auth, Cut, Fault, FaultRegistry, RealRegistry, Rule, digest};

use crate::ask::{anonymous, error_of, repository};
use crate::push_chunks::{asked, blob, body, on, ranges, small};

/// The body of each row is read once: what the registry lacks comes from memory.
#[tokio::test]
async fn an_upload_goes_on_from_where_it_broke() {
    let put = |fault: Fault| on("PUT *", fault).first(1);
    let patch = |start, fault: Fault| Rule::when(ranges(start), fault).first(1);
    // name; size; faults; requests after `HEAD 404, POST 202`
    let rows: Vec<(&str, usize, Vec<Rule>, &str)> = vec![
        ("cut after a part", 300, vec![put(Fault::hang_up().keep(250))], "PUT -, GET 204, 250-299 202, PUT 201"),
        ("502 after a part", 300, vec![put(Fault::status(502).keep(250))], "PUT 502, GET 204, 250-299 202, PUT 201"),
        ("408 after a part", 300, vec![put(Fault::status(408).keep(200))], "PUT 408, GET 204, 200-299 202, PUT 201"),
        ("429 after everything", 300, vec![put(Fault::status(429).keep(300))], "PUT 429, GET 204, PUT 201"),
        (
            "cut twice",
            300,
            vec![put(Fault::hang_up().keep(250)), patch("250-", Fault::hang_up().keep(9))],
            "PUT -, GET 204, 250-299 -, GET 204, 259-299 202, PUT 201",
        ),
        ("a small blob is cut", 100, vec![put(Fault::hang_up())], "PUT -, GET 204, 0-99 202, PUT 201"),
        (
            "a small blob is cut after a part",
            100,
            vec![put(Fault::hang_up().keep(40))],
            "PUT -, GET 204, 40-99 202, PUT 201",
        ),
        (
            "a small blob that is there, and the response is lost",
            100,
            vec![put(Fault::normal().with_status(500))],
            "PUT 500, GET 404, HEAD 200",
        ),
        (
            "a chunk is cut after a part",
            513,
            vec![patch("128-", Fault::hang_up().keep(50))],
            "0-127 202, 128-255 -, GET 204, 178-255 202, 256-383 202, 384-511 202, 512-512 202, PUT 201",
        ),
        (
            "500 after a part of a chunk",
            513,
            vec![patch("384-", Fault::status(500).keep(100))],
            "0-127 202, 128-255 202, 256-383 202, 384-511 500, GET 204, 484-511 202, 512-512 202, PUT 201",
        ),
        (
            "429 before the first chunk",
            513,
            vec![patch("0-", Fault::status(429))],
            "0-127 429, GET 204, 0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 202, PUT 201",
        ),
        (
            "the end is cut",
            513,
            vec![put(Fault::hang_up())],
            "0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 202, PUT -, GET 204, PUT 201",
        ),
        (
            "the response to the end is lost",
            513,
            vec![put(Fault::normal().with_status(504))],
            "0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-512 202, PUT 504, GET 404, HEAD 200",
        ),
    ];
    for (name, size, rules, wanted) in rows {
        let (registry, asking) = (FaultRegistry::start().unwrap(), small());
        rules.into_iter().for_each(|rule| registry.add(rule));
        let (what, bytes) = blob(size);
        asking.push_blob(&repository(&registry.host()), &what, body(&bytes)).await.expect(name);
        assert_eq!(asked(&registry), format!("HEAD 404, POST 202, {wanted}"), "{name}");
        assert_eq!(registry.blob("app", what.digest.as_str()), Some(bytes), "{name}");
        assert_eq!(registry.uploads(), 0, "{name}");
    }
}

#[tokio::test]
async fn an_upload_that_cannot_go_on_is_cancelled() {
    let put = |fault: Fault| on("PUT *", fault).first(1);
    // name; size; faults; requests after `HEAD 404, POST 202`; the error
    let rows: Vec<(&str, usize, Vec<Rule>, &str, &str)> = vec![
        (
            "cut before the bytes that are kept",
            300,
            vec![put(Fault::hang_up().keep(10))],
            "PUT -, GET 204, DELETE 204",
            "connection",
        ),
        (
            "it has more than it got",
            100,
            vec![put(Fault::status(502)), on("GET *", Fault::normal().header("range", "0-999"))],
            "PUT 502, GET 204, DELETE 204",
            "502",
        ),
        (
            "no status of uploads",
            300,
            vec![put(Fault::status(502)), on("GET *", Fault::status(405))],
            "PUT 502, GET 405, DELETE 204",
            "502",
        ),
        (
            "the upload is not known",
            100,
            vec![put(Fault::status(502)), on("GET *", Fault::status(404))],
            "PUT 502, GET 404, HEAD 404, DELETE 204",
            "502",
        ),
        (
            "no chunks",
            100,
            vec![put(Fault::status(502)), on("PATCH *", Fault::status(405))],
            "PUT 502, GET 204, 0-99 405, DELETE 204",
            "502",
        ),
        (
            "it stays broken",
            100,
            vec![on("PUT *", Fault::status(502)), on("PATCH *", Fault::status(503))],
            "PUT 502, GET 204, 0-99 503, GET 204, 0-99 503, DELETE 204",
            "502",
        ),
        (
            "limited for an hour",
            300,
            vec![put(Fault::status(429).header("retry-after", "3600").keep(300))],
            "PUT 429, DELETE 204",
            "3600 s",
        ),
        (
            "the upload is gone in the middle",
            600,
            vec![Rule::when(ranges("256-"), Fault::status(404))],
            "0-127 202, 128-255 202, 256-383 404, DELETE 204",
            "gone after 256 of 600 bytes",
        ),
        (
            "the upload is gone after a break",
            600,
            vec![Rule::when(ranges("128-"), Fault::hang_up()), on("GET *", Fault::status(404))],
            "0-127 202, 128-255 -, GET 404, DELETE 204",
            "connection",
        ),
        (
            "the end breaks, and the upload is not known",
            600,
            vec![put(Fault::status(500)), on("GET *", Fault::status(404))],
            "0-127 202, 128-255 202, 256-383 202, 384-511 202, 512-599 202, PUT 500, GET 404, HEAD 404, DELETE 204",
            "500",
        ),
    ];
    for (name, size, rules, wanted, error) in rows {
        let (registry, asking) = (FaultRegistry::start().unwrap(), small());
        rules.into_iter().for_each(|rule| registry.add(rule));
        let (what, bytes) = blob(size);
        let to = repository(&registry.host());
        let found = error_of(asking.push_blob(&to, &what, body(&bytes)).await);
        assert_eq!(asked(&registry), format!("HEAD 404, POST 202, {wanted}"), "{name}");
        assert!(found.to_string().contains(error), "{name}: {found}");
        assert!(matches!(found.code(), ErrorCode::Unavailable | ErrorCode::RateLimited), "{name}: {found:?}");
        assert_eq!(registry.uploads(), 0, "{name}");
        // The registry recovers, and the next push begins again.
        registry.clear_rules();
        asking.push_blob(&to, &what, body(&bytes)).await.expect(name);
        assert_eq!((registry.blob("app", what.digest.as_str()), registry.uploads()), (Some(bytes), 0), "{name}");
    }
}

/// Returns a body with pieces of 10 kB.
fn large(bytes: &Bytes) -> Body {
    let pieces: Vec<_> = bytes.chunks(10_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Body { origin: Origin::Memory, stream: futures_util::stream::iter(pieces).boxed() }
}

/// Connections to real registries break in the middle of a chunk, or of a blob in one request. Distribution 3 keeps what
/// has arrived. Version 2.8 drops an upload that is longer than its last response said, so the blob begins again.
#[tokio::test]
async fn connections_to_real_registries_break() {
    let bytes: Bytes = (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let what = Descriptor::new("a/b", digest(&bytes), bytes.len() as u64);
    let in_chunks = Uploads::default().chunk(256 << 10).whole(512 << 10);
    // how the blob goes; chunks of version 3 and of 2.8 that arrive whole
    let rows = [
        ("in chunks", in_chunks, 4, 1 + 4),
        ("in one request", Uploads::default().chunk(900 << 10), 1, 2),
        ("in one request from memory", Uploads::default(), 1, 0),
    ];
    let registries = [
        (RealRegistry::distribution_v3(Auth::Anonymous).unwrap(), true),
        (RealRegistry::debian_v2(Auth::Anonymous).unwrap(), false),
    ];
    for (registry, keeps) in registries {
        for (name, uploads, kept, dropped) in rows {
            let cut = Cut::start(registry.host()).unwrap();
            let asking = Client::builder().system_roots(false).uploads(uploads).build();
            let to = Repository::new(cut.host(), name.replace(' ', "-")).unwrap();
            registry.clear().unwrap();
            cut.after(400_000);
            let mut pushed = asking.push_blob(&to, &what, large(&bytes)).await;
            assert_eq!((cut.cuts(), pushed.is_ok()), (1, keeps), "{name}: {pushed:?}");
            if !keeps {
                pushed = asking.push_blob(&to, &what, large(&bytes)).await;
            }
            let asked = registry.requests().unwrap();
            pushed.unwrap_or_else(|error| panic!("{name}: {error}: {asked:#?}"));
            let of = |method: &str, status: u16| {
                asked.iter().filter(|one| one.method == method && one.status == status).count()
            };
            // The client requests the status of the upload once.
            assert_eq!(
                (of("GET", 204), of("GET", 404)),
                (usize::from(keeps), usize::from(!keeps)),
                "{name}: {asked:#?}"
            );
            assert_eq!(of("POST", 202), if keeps { 1 } else { 2 }, "{name}: {asked:#?}");
            let chunks = if keeps { kept } else { dropped };
            assert_eq!((of("PATCH", 202), of("PUT", 201)), (chunks, 1), "{name}: {asked:#?}");
            let from = Repository::new(registry.host(), to.path()).unwrap();
            assert!(fetch(&anonymous(), &from, &what, 1 << 20).await.unwrap().value == bytes, "{name}");
        }
    }
}
