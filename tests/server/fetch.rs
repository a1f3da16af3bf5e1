//! `Fetch`: pieces, ranges, wrong content, and slow readers.

use bytes::{Bytes, BytesMut};
use refkit_oci::{Algorithm, Descriptor};
use refkit_server::grpc::{PIECE, path, pb, wire};
use refkit_support::{Fault, FaultRegistry, Rule};
use tonic::{Code, Status};

use crate::rules::TestRules;
use crate::stand::Stand;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

fn described(bytes: &[u8]) -> Descriptor {
    Descriptor::new(LAYER, refkit_content::verify::digest(Algorithm::Sha256, bytes), bytes.len() as u64)
}

fn message(registry: &FaultRegistry, descriptor: &Descriptor, offset: u64, length: u64) -> pb::FetchRequest {
    let (repository, descriptor) = (format!("{}/app", registry.host()), Some(wire::descriptor(descriptor)));
    pb::FetchRequest { repository, descriptor, offset, length }
}

/// Returns the bytes and the sizes of the pieces.
async fn fetch(stand: &Stand, message: pb::FetchRequest) -> Result<(Bytes, Vec<usize>), Status> {
    let mut stream = stand.stream::<_, pb::FetchResponse>(path::FETCH, tonic::Request::new(message)).await?;
    let (mut bytes, mut sizes) = (BytesMut::new(), Vec::new());
    while let Some(piece) = stream.message().await? {
        assert_eq!(piece.origin.is_some(), sizes.is_empty(), "the first message, and no other, says where it is from");
        bytes.extend_from_slice(&piece.data);
        sizes.push(piece.data.len());
    }
    Ok((bytes.freeze(), sizes))
}

fn noise(length: usize) -> Bytes {
    (0..length).map(|place| (place * 31 + place / 253) as u8).collect()
}

#[tokio::test]
async fn content_comes_in_pieces_and_ranges() {
    let registry = FaultRegistry::start().unwrap();
    let blob = noise(3 * PIECE + 5);
    registry.put_blob("app", blob.clone());
    registry.put_blob("app", Bytes::new());
    let stand = Stand::start(TestRules::over_registries().await).await;
    let descriptor = described(&blob);
    let size = blob.len() as u64;
    let piece = PIECE as u64;
    // offset, length, the wanted range
    let rows = [
        (0, 0, 0..size),
        (0, size, 0..size),
        (5, 0, 5..size),
        (0, 1, 0..1),
        (size - 1, 1, size - 1..size),
        (size, 0, size..size),
        (piece - 1, piece + 2, piece - 1..2 * piece + 1),
    ];
    for (offset, length, range) in rows {
        let (bytes, sizes) = fetch(&stand, message(&registry, &descriptor, offset, length)).await.unwrap();
        assert_eq!(bytes, blob[range.start as usize..range.end as usize], "{offset} {length}");
        assert!(sizes.iter().all(|size| *size <= PIECE) && !sizes.is_empty(), "{sizes:?}");
    }
    let (bytes, sizes) = fetch(&stand, message(&registry, &described(b""), 0, 0)).await.unwrap();
    assert_eq!((bytes.len(), sizes), (0, vec![0]));
}

/// No byte that completes wrong content leaves the server, and the status is that of the registry client.
#[tokio::test]
async fn wrong_content_fails() {
    let registry = FaultRegistry::start().unwrap();
    let blob = noise(2 * PIECE);
    let mut forged = blob.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    registry.put_blob("app", blob.clone());
    registry.add(Rule::on("GET */blobs/*", Fault::normal().body(forged)));
    let stand = Stand::start(TestRules::over_registries().await).await;
    let request = tonic::Request::new(message(&registry, &described(&blob), 0, 0));
    let mut stream = stand.stream::<_, pb::FetchResponse>(path::FETCH, request).await.unwrap();
    let mut seen = 0;
    let status = loop {
        match stream.message().await {
            Ok(Some(piece)) => seen += piece.data.len(),
            Ok(None) => panic!("forged content has arrived"),
            Err(status) => break status,
        }
    };
    assert!(seen < blob.len(), "{seen}");
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("the content has the digest"), "{status:?}");
}

/// A reader that does not read keeps the server from reading, and one that goes away ends the registry's response.
#[tokio::test]
async fn a_slow_reader_slows_the_registry() {
    const SIZE: usize = 64 << 20;
    let registry = FaultRegistry::start().unwrap();
    let blob = Bytes::from(vec![0; SIZE]);
    let descriptor = described(&blob);
    registry.put_blob("app", blob);
    let stand = Stand::start(TestRules::over_registries().await).await;
    let request = tonic::Request::new(message(&registry, &descriptor, 0, 0));
    let mut stream = stand.stream::<_, pb::FetchResponse>(path::FETCH, request).await.unwrap();
    stream.message().await.unwrap().unwrap();
    // Others are served meanwhile, and what the slow one could get by now, it has got.
    for _ in 0..50 {
        let (_, sizes) = fetch(&stand, message(&registry, &descriptor, 0, 1)).await.unwrap();
        assert_eq!(sizes, [1]);
    }
    let sent = registry.requests()[0].bytes_sent;
    assert!(sent < SIZE as u64 / 2, "{sent} bytes for a reader that has read one piece");
    drop(stream);
    crate::deadlines::all_have_gone(&registry).await;
    assert!(registry.requests()[0].bytes_sent < SIZE as u64);
}
