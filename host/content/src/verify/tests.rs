use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use refkit_oci::Algorithm;

use super::*;
use crate::ErrorCode;

const WHOLE: &[u8] = b"the content of a blob";

fn repository() -> Repository {
    Repository::new("registry.test", "some/app").expect("a repository")
}

/// The pieces that a source sends, in order; one of them may be an error.
#[derive(Clone)]
enum Piece {
    Bytes(&'static [u8]),
    Broken,
}

struct Sends {
    pieces: Vec<Piece>,
    opened: AtomicUsize,
}

impl Sends {
    fn new(pieces: &[Piece]) -> Self {
        Self { pieces: pieces.to_vec(), opened: AtomicUsize::new(0) }
    }

    fn body(&self) -> Body {
        let pieces = self.pieces.clone().into_iter().map(|piece| match piece {
            Piece::Bytes(bytes) => Ok(Bytes::from_static(bytes)),
            Piece::Broken => {
                Err(Error::new(Operation::Fetch, "x", ErrorKind::Unavailable("the connection broke".to_owned())))
            }
        });
        Body { origin: Origin::Memory, stream: stream::iter(pieces.collect::<Vec<_>>()).boxed() }
    }
}

#[async_trait]
impl Fetch for Sends {
    async fn open(&self, _: &Repository, _: &Descriptor) -> Result<Body, Error> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(self.body())
    }
}

fn descriptor(size: u64) -> Descriptor {
    Descriptor::new("application/octet-stream", digest(Algorithm::Sha256, WHOLE), size)
}

struct Row {
    name: &'static str,
    descriptor: Descriptor,
    pieces: Vec<Piece>,
    error: Option<&'static str>,
}

fn rows() -> Vec<Row> {
    use Piece::{Broken, Bytes};
    let size = WHOLE.len() as u64;
    let row = |name, descriptor, pieces: &[Piece], error| Row { name, descriptor, pieces: pieces.to_vec(), error };
    let nothing = Descriptor::new("x/y", digest(Algorithm::Sha256, b""), 0);
    let with = |algorithm| Descriptor::new("x/y", digest(algorithm, WHOLE), size);
    vec![
        row("exact, one piece", descriptor(size), &[Bytes(WHOLE)], None),
        row("exact, pieces", descriptor(size), &[Bytes(&WHOLE[..3]), Bytes(b""), Bytes(&WHOLE[3..]), Bytes(b"")], None),
        row("exact, sha384", with(Algorithm::Sha384), &[Bytes(WHOLE)], None),
        row("exact, sha512", with(Algorithm::Sha512), &[Bytes(&WHOLE[..1]), Bytes(&WHOLE[1..])], None),
        row("empty", nothing.clone(), &[], None),
        row("empty, one empty piece", nothing.clone(), &[Bytes(b"")], None),
        row("empty, and a byte", nothing, &[Bytes(b"x")], Some("has at least 1 bytes, not 0")),
        row("nothing", descriptor(size), &[], Some("has only 0 bytes, not 21")),
        row("short", descriptor(size), &[Bytes(&WHOLE[..20])], Some("has only 20 bytes, not 21")),
        row(
            "long, one piece",
            descriptor(size),
            &[Bytes(b"the content of a blob!")],
            Some("at least 22 bytes, not 21"),
        ),
        row("long, a byte after", descriptor(size), &[Bytes(WHOLE), Bytes(b"!")], Some("at least 22 bytes, not 21")),
        row("size too small", descriptor(5), &[Bytes(WHOLE)], Some("has at least 21 bytes, not 5")),
        row("size 2^62", descriptor(1 << 62), &[Bytes(WHOLE)], Some("only 21 bytes, not 4611686018427387904")),
        row("size 2^64-1", descriptor(u64::MAX), &[Bytes(WHOLE)], Some("only 21 bytes, not 18446744073709551615")),
        row("another content", descriptor(size), &[Bytes(b"the content of a blip")], Some("has the digest sha256:")),
        row("error first", descriptor(size), &[Broken], Some("the connection broke")),
        row("error amid", descriptor(size), &[Bytes(&WHOLE[..9]), Broken], Some("the connection broke")),
        row("error at the end", descriptor(size), &[Bytes(WHOLE), Broken], Some("the connection broke")),
    ]
}

fn matches(name: &str, result: Result<&[u8], &Error>, error: Option<&str>, whole: &[u8]) {
    match (result, error) {
        (Ok(bytes), None) => assert_eq!(bytes, whole, "{name}"),
        (Err(found), Some(wanted)) => assert!(found.to_string().contains(wanted), "{name}: {found}"),
        (result, error) => panic!("{name}: {result:?}, but expected {error:?}"),
    }
}

#[tokio::test]
async fn fetch_takes_the_content_and_nothing_else() {
    for row in rows() {
        let whole = if row.descriptor.size == 0 { b"" } else { WHOLE };
        let source = Sends::new(&row.pieces);
        let result = fetch(&source, &repository(), &row.descriptor, u64::MAX).await;
        matches(row.name, result.as_ref().map(|answer| &answer.value[..]), row.error, whole);
    }
}

#[tokio::test]
async fn verified_streams_end_in_the_same_error() {
    for row in rows() {
        let whole = if row.descriptor.size == 0 { b"" } else { WHOLE };
        let mut stream = verified(&row.descriptor, Sends::new(&row.pieces).body()).stream;
        let mut seen = Vec::new();
        let mut failed = None;
        while let Some(piece) = stream.next().await {
            assert!(failed.is_none(), "{}: something follows the error", row.name);
            match piece {
                Ok(piece) => seen.extend_from_slice(&piece),
                Err(error) => failed = Some(error),
            }
        }
        if failed.is_some() {
            assert!((seen.len() as u64) < row.descriptor.size.max(1), "{}: all of a forgery was handed on", row.name);
        }
        matches(row.name, failed.as_ref().map_or(Ok(&seen[..]), Err), row.error, whole);
    }
}

#[tokio::test]
async fn one_byte_too_many_ends_the_reading_at_once() {
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 16])));
    let body = Body { origin: Origin::Memory, stream: endless.boxed() };
    let error = verified(&descriptor(100), body).stream.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::WrongSize { expected: 100, actual: 112 }), "{error}");
}

#[tokio::test]
async fn more_than_the_limit_is_refused_before_anything_is_asked() {
    for (size, limit) in [(22, 21), (1 << 62, MANIFEST_LIMIT), (u64::MAX, u64::MAX - 1)] {
        let source = Sends::new(&[Piece::Bytes(WHOLE)]);
        let error = fetch(&source, &repository(), &descriptor(size), limit).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Invalid);
        assert!(matches!(error.kind, ErrorKind::TooLarge { limit: l } if l == limit), "{error}");
        assert_eq!(source.opened.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn inline_data_counts_where_it_is_valid() {
    let rows: [(&str, &[u8], Origin); 4] = [
        ("valid", WHOLE, Origin::Inline),
        ("another content", b"the content of a blip", Origin::Memory),
        ("short", b"the", Origin::Memory),
        ("empty", b"", Origin::Memory),
    ];
    for (name, data, origin) in rows {
        let source = Sends::new(&[Piece::Bytes(WHOLE)]);
        let descriptor = descriptor(WHOLE.len() as u64).with_data(data);
        let answer = fetch(&source, &repository(), &descriptor, MANIFEST_LIMIT).await.expect(name);
        assert_eq!((answer.value.as_ref(), &answer.origin), (WHOLE, &origin), "{name}");
        assert_eq!(source.opened.load(Ordering::Relaxed), usize::from(origin == Origin::Memory), "{name}");
    }
}
