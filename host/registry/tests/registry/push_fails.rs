//! Failed pushes: the client cancels the upload, the error names the side that failed, and the next push uses another
//! strategy.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use refkit_content::{Body, Error, ErrorCode, ErrorKind, Operation, Origin, Push, deadline};
use refkit_oci::Descriptor;
use refkit_registry::{Client, Uploads};
use refkit_support::{Access, Fault, FaultRegistry, Rule};

use crate::ask::{USER, client, error_of, repository, user};
use crate::push_chunks::{CHUNK, asked, blob, body, on, ranges, small};

#[tokio::test]
async fn pushes_that_fail_are_cancelled() {
    type Is = fn(&ErrorKind) -> bool;
    let zero = format!("sha256:{}", "0".repeat(64));
    let patch = |fault| on("PATCH *", fault);
    let says = |range: &str| patch(Fault::normal().header("range", range)).first(1);
    let lies: Is =
        |found| matches!(found, ErrorKind::Malformed(what) if what.contains("bytes of the upload after a chunk"));
    let rows: Vec<(&str, usize, Vec<Rule>, Is)> = vec![
        ("it has more than it got", 600, vec![says("0-99999")], lies),
        (
            "it has all numbers",
            600,
            vec![says("0-18446744073709551615")],
            |found| matches!(found, ErrorKind::Malformed(what) if what.contains("Range")),
        ),
        (
            "it counts to less than nothing",
            600,
            vec![says("0--1")],
            |found| matches!(found, ErrorKind::Malformed(what) if what.contains("Range \"0--1\"")),
        ),
        (
            "it has less than before",
            600,
            vec![Rule::when(ranges("128-"), Fault::normal().header("range", "0-9"))],
            lies,
        ),
        (
            "it has words",
            600,
            vec![says("everything")],
            |found| matches!(found, ErrorKind::Malformed(what) if what.contains("Range \"everything\"")),
        ),
        (
            "it says what it has, and takes it back",
            600,
            vec![Rule::when(ranges("128-"), Fault::status(503)), on("GET *", Fault::normal().header("range", "0-9"))],
            lies,
        ),
        ("chunks are forbidden", 600, vec![patch(Fault::status(403))], |found| {
            matches!(found, ErrorKind::Forbidden(_))
        }),
        (
            "another digest, in chunks",
            600,
            vec![on("PUT *", Fault::normal().header("docker-content-digest", &zero))],
            |found| matches!(found, ErrorKind::WrongDigest { .. }),
        ),
        (
            "another digest, in one request",
            100,
            vec![on("PUT *", Fault::normal().header("docker-content-digest", &zero))],
            |found| matches!(found, ErrorKind::WrongDigest { .. }),
        ),
        (
            "another digest, streamed",
            300,
            vec![on("PUT *", Fault::normal().header("docker-content-digest", &zero))],
            |found| matches!(found, ErrorKind::WrongDigest { .. }),
        ),
        (
            "neither whole nor in chunks",
            100,
            vec![on("PUT *", Fault::status(413)), patch(Fault::status(404))],
            |found| matches!(found, ErrorKind::Malformed(what) if what.contains("413") && what.contains("no chunks")),
        ),
        (
            "chunks that are too long, and no whole blobs",
            600,
            vec![
                on("POST *", Fault::normal().header("oci-chunk-min-length", "4611686018427387904")),
                on("PUT *", Fault::status(413)),
            ],
            |found| {
                let wanted = "status 413 Payload Too Large; and it takes no chunks: it wants chunks of at least \
                              4611686018427387904 bytes, and the limit is 1000";
                matches!(found, ErrorKind::Malformed(what) if what == wanted)
            },
        ),
        (
            "chunks of at least a size that is too large",
            600,
            vec![
                on("POST *", Fault::normal().header("oci-chunk-min-length", "200")),
                on("PUT *", Fault::status(413)),
                patch(Fault::status(413)),
            ],
            |found| {
                matches!(found, ErrorKind::Malformed(what) if what.contains("413")
                    && what.contains("chunks of 200 bytes are too large for it, and it wants at least 200"))
            },
        ),
        (
            "too large whatever its size",
            600,
            vec![on("PUT *", Fault::status(413)), patch(Fault::status(413))],
            |found| matches!(found, ErrorKind::Malformed(what) if what.contains("413")),
        ),
        (
            "chunks end in the middle",
            600,
            vec![Rule::when(ranges("256-"), Fault::status(400))],
            |found| matches!(found, ErrorKind::Unavailable(what) if what.contains("whole")),
        ),
        (
            "chunks make another blob",
            600,
            vec![on("PUT *", Fault::status(400)).first(1)],
            |found| matches!(found, ErrorKind::Unavailable(what) if what.contains("whole")),
        ),
        ("the end breaks", 600, vec![on("PUT *", Fault::status(500))], |found| found.code() == ErrorCode::Unavailable),
        ("one request breaks", 300, vec![on("PUT *", Fault::hang_up()).first(1)], |found| {
            found.code() == ErrorCode::Unavailable
        }),
        (
            "limited for an hour",
            600,
            vec![Rule::when(ranges("128-"), Fault::status(429).header("retry-after", "3600"))],
            |found| matches!(found, ErrorKind::RateLimited { .. }),
        ),
        (
            "the status is forbidden",
            600,
            vec![Rule::when(ranges("128-"), Fault::status(500)), on("GET *", Fault::status(403))],
            |found| matches!(found, ErrorKind::Forbidden(_)),
        ),
    ];
    for (name, size, rules, is) in rows {
        let (registry, asking) = (FaultRegistry::start().unwrap(), small());
        rules.into_iter().for_each(|rule| registry.add(rule));
        let (what, bytes) = blob(size);
        let found = error_of(asking.push_blob(&repository(&registry.host()), &what, body(&bytes)).await);
        assert!(is(&found), "{name}: {found:?}");
        assert_eq!(registry.count("POST *"), registry.count("DELETE *"), "{name}: {:?}", asked(&registry));
    }
}

#[tokio::test]
async fn a_failed_push_changes_the_strategy() {
    let rows = [
        ("chunks end in the middle", 600, Rule::when(ranges("256-"), Fault::status(400)), false),
        ("chunks make another blob", 600, on("PUT *", Fault::status(400)).first(1), false),
        ("one request breaks", 300, on("PUT *", Fault::hang_up()).first(1), true),
        ("one request is too large", 300, on("PUT *", Fault::status(413)).first(1), true),
    ];
    for (name, size, rule, chunks) in rows {
        let (registry, asking) = (FaultRegistry::start().unwrap(), small());
        registry.add(rule);
        let (what, bytes) = blob(size);
        let to = repository(&registry.host());
        assert!(error_of(asking.push_blob(&to, &what, body(&bytes)).await).code() == ErrorCode::Unavailable, "{name}");
        registry.clear();
        asking.push_blob(&to, &what, body(&bytes)).await.expect(name);
        assert_eq!(registry.count("PATCH *") > 0, chunks, "{name}: {:?}", asked(&registry));
        assert_eq!(registry.blob("app", what.digest.as_str()), Some(bytes), "{name}");
    }
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_started() {
    let (registry, asking) = (FaultRegistry::start().unwrap(), small());
    registry.add(Rule::when(ranges("128-"), Fault::status(503)));
    let (what, bytes) = blob(600);
    let to = repository(&registry.host());
    // Shorter than the first wait.
    let end = tokio::time::Instant::now() + Duration::from_millis(50);
    let found = error_of(deadline::within(end, asking.push_blob(&to, &what, body(&bytes))).await);
    assert!(found.code() == ErrorCode::Unavailable, "{found:?}");
    assert_eq!((registry.count("PATCH *"), registry.count("DELETE *")), (2, 1));
}

#[tokio::test]
async fn locations_are_followed_within_the_registry() {
    let other = FaultRegistry::start().unwrap();
    let (what, bytes) = blob(600);
    for (location, wanted) in [
        ("/v2/app/blobs/uploads/upload-1?_state=moved".to_owned(), None),
        (format!("http://{}/v2/app/blobs/uploads/upload-1", other.host()), Some("another host")),
        ("http://[".to_owned(), Some("no URL")),
    ] {
        let registry = FaultRegistry::start().unwrap();
        registry.require(Access::basic(USER.0, USER.1));
        registry.add(Rule::when(ranges("0-"), Fault::normal().header("location", &location)).admitted());
        let pushed = small().push_blob(&repository(&registry.host()), &what, body(&bytes)).await;
        match (pushed, wanted) {
            (Ok(()), None) => {
                let targets: Vec<_> = registry.requests().into_iter().map(|request| request.target).collect();
                let moved = targets.iter().filter(|target| target.contains("_state=moved")).count();
                // The second chunk, whose response leads back to the original URL.
                assert_eq!(moved, 1, "{targets:?}");
            }
            (Err(error), Some(wanted)) => {
                assert!(error.to_string().contains(wanted), "{location}: {error}");
                assert_eq!(registry.count("DELETE *"), 1, "{location}");
            }
            (pushed, _) => panic!("{location}: {pushed:?}"),
        }
    }
    assert_eq!(other.count("*"), 0);
}

#[tokio::test]
async fn a_failed_source_is_named_and_the_upload_cancelled() {
    let (what, bytes) = blob(600);
    let broken = || {
        let error = Error::new(Operation::Fetch, "the source", ErrorKind::Unavailable("it broke".to_owned()));
        let first = body(&bytes.slice(..350)).stream;
        Body { origin: Origin::Memory, stream: first.chain(futures_util::stream::iter([Err(error)])).boxed() }
    };
    let other: Bytes = bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>().into();
    let longer: Bytes = [&bytes[..], b"x"].concat().into();
    for (uploads, opened) in [
        (Uploads::default().chunk(CHUNK).whole(512), 1),
        (Uploads::default().chunk(CHUNK).whole(9999), 1),
        (Uploads::default(), 0),
    ] {
        for (name, body, wanted) in [
            ("broken", broken(), "the source: unavailable: it broke"),
            ("short", body(&bytes.slice(..599)), "only 599 bytes"),
            ("long", body(&longer), "at least 601 bytes"),
            ("another", body(&other), "has the digest"),
        ] {
            let registry = FaultRegistry::start().unwrap();
            let asking = Client::builder().system_roots(false).uploads(uploads).build();
            let pushed = asking.push_blob(&repository(&registry.host()), &what, body).await;
            let error = pushed.expect_err(name);
            assert!(error.to_string().contains(wanted), "{name}: {error}");
            assert_eq!((registry.count("POST *"), registry.count("DELETE *")), (opened, opened), "{name}, {uploads:?}");
            assert_eq!(registry.blob("app", what.digest.as_str()), None, "{name}");
        }
    }
}

#[tokio::test]
async fn a_dropped_upload_is_cancelled() {
    let (what, bytes) = blob(600);
    for (name, asking) in [("in chunks", small()), ("in one request", client(user()))] {
        let registry = FaultRegistry::start().unwrap();
        let first = body(&bytes.slice(..400)).stream;
        let what = if name == "in chunks" { what.clone() } else { Descriptor { size: 9 << 20, ..what.clone() } };
        let filler = futures_util::stream::iter([Ok(Bytes::from(vec![0; 8 << 20]))]);
        let stream = if what.size == 600 { first } else { filler.boxed() };
        let waiting = Body { origin: Origin::Memory, stream: stream.chain(futures_util::stream::pending()).boxed() };
        let to = repository(&registry.host());
        let push = asking.push_blob(&to, &what, waiting);
        let begun = async {
            while registry.count("PATCH *") < 3 && registry.count("PUT *") < 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            pushed = push => panic!("{name}: {pushed:?}"),
            () = begun => {}
        }
        let patience = Instant::now() + Duration::from_secs(10);
        while registry.count("DELETE *") < 1 {
            assert!(Instant::now() < patience, "{name}: the upload is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
