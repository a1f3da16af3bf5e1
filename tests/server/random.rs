//! Random bytes for every method: there is a status for each, and the connection stays good.

use std::path::Path;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use refkit_buildkit::Connection;
use refkit_server::grpc::path;
use refkit_tests::stage::Stage;
use tokio::net::UnixStream;

use crate::rules::TestRules;
use crate::stand::Stand;

const METHODS: [&str; 14] = [
    path::RESOLVE,
    path::FETCH,
    path::LIST_TAGS,
    path::LIST_REFERRERS,
    path::EXISTS,
    path::MOUNT,
    path::PUSH,
    path::RESOLVE_IMAGE,
    path::EXPLAIN,
    path::LOAD_POLICY,
    path::BRIDGE_PING,
    path::RESOLVE_IMAGE_CONFIG,
    path::RESOLVE_SOURCE_META,
    path::CHECK_POLICY,
];

/// How many messages each method gets.
const MESSAGES: u64 = 60;

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a message with its prefix: well framed, too short, or with a flag that nobody knows.
    fn message(&mut self) -> Bytes {
        let length = self.next() % 64;
        let mut bytes = BytesMut::new();
        let (flag, claimed) = match self.next() % 8 {
            0 => (1, length),
            1 => (0, length + 1),
            2 => (7, length),
            3 => (0, u64::from(u32::MAX)),
            _ => (0, length),
        };
        bytes.put_u8(flag);
        bytes.put_u32(u32::try_from(claimed).expect("it is a small number"));
        for _ in 0..length {
            // Small numbers are keys and lengths of fields more often than others.
            let number = self.next();
            bytes.put_u8(
                u8::try_from(if number.is_multiple_of(3) { number % 256 } else { number % 24 }).expect("a byte"),
            );
        }
        bytes.freeze()
    }
}

async fn status(connection: &Connection, method: &str, message: Bytes) -> String {
    let body = Full::new(message).map_err(|never| match never {}).boxed_unsync();
    let request = Request::post(format!("http://server{method}")).header("content-type", "application/grpc");
    let request = request.header("te", "trailers").body(body).expect("a request");
    let response = connection.send(request).await.expect("the connection is good");
    assert_eq!(response.status(), 200, "{method}");
    let (parts, body) = response.into_parts();
    let trailers = body.collect().await.expect("the response ends").trailers().cloned().unwrap_or_default();
    let status = parts.headers.get("grpc-status").or_else(|| trailers.get("grpc-status"));
    status.unwrap_or_else(|| panic!("{method} has no status")).to_str().expect("it is a number").to_owned()
}

#[tokio::test]
async fn every_message_has_a_status() {
    let stand = Stand::start(TestRules::over(&Stage::new().memory).await).await;
    let address = stand.address();
    let socket = Path::new(address.strip_prefix("unix://").expect("it is a socket"));
    let connection = Connection::handshake(UnixStream::connect(socket).await.unwrap()).await.unwrap();
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for method in METHODS {
        for _ in 0..MESSAGES {
            let message = numbers.message();
            let status = status(&connection, method, message.clone()).await;
            assert!(status.parse::<u8>().is_ok_and(|code| code <= 16), "{method} {message:?}: {status}");
        }
    }
    let pong = status(&connection, path::BRIDGE_PING, Bytes::from_static(&[0; 5])).await;
    assert_eq!(pong, "0");
}
