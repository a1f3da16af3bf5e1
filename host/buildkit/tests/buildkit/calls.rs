//! The connection, and the client on it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use prost::Message as _;
use refkit_buildkit::{Body, BoxError, Bridge, Connection, Raw, pb};
use refkit_support::buildkit::{GivenUp, Reply, peer, pong};
use tokio::io::AsyncWriteExt;
use tonic::Code;

#[tokio::test]
async fn every_call() {
    let bridge = peer::bridge(|method, message| match method {
        "Ping" => pong(),
        // The server gets the whole request.
        "Warn" | "Return" => Reply::Message(message.to_vec()),
        "ResolveImageConfig" => {
            let request = pb::ResolveImageConfigRequest::decode(message).unwrap();
            Reply::message(&pb::ResolveImageConfigResponse { r#ref: request.r#ref, ..Default::default() })
        }
        "StatFile" => {
            let path = pb::StatFileRequest::decode(message).unwrap().path;
            Reply::message(&pb::StatFileResponse { stat: Some(pb::Stat { path, ..Default::default() }) })
        }
        _ => Reply::Status(12, "no such method".to_owned()),
    })
    .await;
    let capabilities = bridge.ping().await.unwrap();
    assert!(capabilities.check_images().is_ok() && !capabilities.calls("gateway.warnings"));
    let warning = pb::WarnRequest { short: Bytes::from_static(b"short"), ..Default::default() };
    let sent = Raw::from(warning);
    assert_eq!(bridge.warn(sent.clone()).await.unwrap().bytes(), sent.bytes());
    let status = pb::Status { code: 7, message: "no".to_owned(), details: Vec::new() };
    let sent = Raw::from(pb::ReturnRequest { result: None, error: Some(status) });
    assert_eq!(bridge.return_(sent.clone()).await.unwrap().bytes(), sent.bytes());
    let request = pb::ResolveImageConfigRequest { r#ref: "alpine".to_owned(), ..Default::default() };
    assert_eq!(bridge.resolve_image_config(request).await.unwrap().view().r#ref, "alpine");
    let request = pb::StatFileRequest { path: "a".to_owned(), ..Default::default() };
    assert_eq!(bridge.stat_file(request).await.unwrap().into_view().stat.unwrap().path, "a");
    let status = bridge.solve(pb::SolveRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "no such method"));
}

/// BuildKit's errors carry Dockerfiles and stack traces.
#[tokio::test]
async fn large_details() {
    let bridge = peer::bridge(|_, _| Reply::Details(1 << 20)).await;
    let status = bridge.solve(pb::SolveRequest::default()).await.unwrap_err();
    assert_eq!(status.details().len(), (1 << 20) / 4 * 3);
}

#[tokio::test]
async fn large_messages() {
    let bridge = peer::bridge(|method, message| match method {
        // An unknown field of `WarnResponse`, which the client keeps.
        "Warn" => Reply::Message(message.to_vec()),
        _ => Reply::message(&pb::ReadFileResponse { data: Bytes::from(vec![1; 65 << 20]) }),
    })
    .await;
    let sent = Raw::from(pb::WarnRequest { short: Bytes::from(vec![b'a'; 40 << 20]), ..Default::default() });
    assert!(bridge.warn(sent.clone()).await.unwrap().bytes() == sent.bytes());
    let status = bridge.read_file(pb::ReadFileRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
}

fn request(body: Body) -> Request<Body> {
    let request = Request::post("/moby.buildkit.v1.frontend.LLBBridge/Solve").header("te", "trailers");
    request.header("content-type", "application/grpc").body(body).unwrap()
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A dropped call resets its stream, so that the server can stop as well.
#[tokio::test]
async fn given_up() {
    let given_up = GivenUp::default();
    let answer = |method: &str, _: Bytes| if method == "Solve" { Reply::Stalled } else { Reply::Never };
    let (connection, _stop) = peer::connection(answer, given_up.clone()).await;

    let bridge = Bridge::new(connection.clone());
    let call = bridge.warn(pb::WarnRequest::default());
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    wait(|| given_up.calls() == ["Warn"]).await;

    let mut response = connection.send(request(empty())).await.unwrap();
    assert!(response.body_mut().frame().await.is_some());
    drop(response);
    wait(|| given_up.calls() == ["Warn", "Solve"]).await;

    // A request whose body does not end.
    let endless: Body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, BoxError>>()).boxed_unsync();
    let call = connection.send(request(endless));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    wait(|| given_up.calls() == ["Warn", "Solve", "Solve"]).await;
    assert!(!connection.is_closed());
}

async fn wait(done: impl Fn() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not happen");
}

#[tokio::test]
async fn the_peer_ends() {
    let (connection, stop) = peer::connection(|_, _| Reply::Never, GivenUp::default()).await;
    let bridge = Bridge::new(connection.clone());
    let call = tokio::spawn(async move { bridge.solve(pb::SolveRequest::default()).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    let status = call.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().starts_with("the connection to BuildKit broke"), "{status}");
    drop(connection.ended().await);
    assert!(connection.is_closed());
    let status = Bridge::new(connection).ping().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

#[tokio::test]
async fn this_side_ends() {
    let (connection, _stop) = peer::connection(|_, _| pong(), GivenUp::default()).await;
    let ended = connection.ended();
    assert!(Bridge::new(connection.clone()).ping().await.is_ok());
    drop(connection);
    assert!(tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap().is_ok());
}

/// A server without HTTP/2, or one that stops in the middle.
#[tokio::test]
async fn garbage() {
    let long = [&[0, 0, 0, 4, 0, 0, 0, 0, 0][..], &[0xff; 100]].concat();
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0xff; 64], &long, &[0; 9], b""] {
        let (near, mut far) = tokio::io::duplex(64 << 10);
        let connection = Connection::handshake(near).await.unwrap();
        let bridge = Bridge::new(connection.clone());
        let call = tokio::spawn(async move { bridge.ping().await });
        far.write_all(bytes).await.unwrap();
        if bytes.is_empty() {
            drop(far);
        }
        let status = tokio::time::timeout(Duration::from_secs(5), call).await.unwrap().unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{bytes:?}: {status}");
        let ended = tokio::time::timeout(Duration::from_secs(5), connection.ended()).await.unwrap();
        assert!(!ended.is_err_and(|error| error.to_string().contains('\n')));
    }
}

/// Damaged frames: every call ends, and nothing panics.
#[tokio::test]
async fn changed_bytes() {
    let mut state = 1_u64;
    for _ in 0..200 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (near, mut far) = tokio::io::duplex(64 << 10);
        let connection = Connection::handshake(near).await.unwrap();
        let call = tokio::spawn(async move { Bridge::new(connection).ping().await });
        let mut bytes = vec![0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];
        bytes.extend([0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88, 0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        let place = (state >> 33) as usize % bytes.len();
        bytes[place] ^= (state >> 20) as u8;
        far.write_all(&bytes).await.unwrap();
        far.shutdown().await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(5), call).await.unwrap().unwrap().is_err());
    }
}
