//! A stream that its receiver does not read delays no other stream, and does not fill the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::ends::{Messages, PassAll, bounded, call, channel, echo, framed, headers, joined, unary};

/// The number of unread streams.
const STALLED: usize = 20;

/// The bytes that are written to each of them, in MiB.
const FLOOD: u64 = 16;

/// The most bytes of each of them that may be in transit: a window, and the buffers of two servers and clients.
const UNDER_WAY: u64 = 8 << 20;

/// Writes as much as the receiver accepts.
async fn flood(sender: Messages, written: Arc<AtomicU64>) {
    let piece = Bytes::from(vec![7; 64 << 10]);
    for _ in 0..FLOOD * 16 {
        if sender.send(Ok(Frame::data(piece.clone()))).await.is_err() {
            return;
        }
        written.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    _ = sender.send(Ok(Frame::trailers(headers(&[("grpc-status", "0")])))).await;
}

/// Waits until the receiver accepts no more, and returns how much it has accepted.
async fn settled(written: &AtomicU64) -> u64 {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = written.load(Ordering::Relaxed);
        if now == before && now > 0 {
            return now;
        }
        before = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frontend_that_reads_slowly() {
    let written = Arc::new(AtomicU64::new(0));
    let ends = joined(PassAll, {
        let written = Arc::clone(&written);
        move |request: Request<Incoming>| {
            let written = Arc::clone(&written);
            async move {
                if request.uri().path() != "/a.B/Flood" {
                    return echo(request).await;
                }
                let (sender, stream) = channel();
                tokio::spawn(flood(sender, written));
                Ok(Response::new(stream))
            }
        }
    })
    .await;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        stalled.push(ends.call(unary("/a.B/Flood", b"")).await.unwrap().into_body());
    }
    let taken = bounded(settled(&written)).await;
    println!("of {STALLED} unread streams, {} KiB each are in transit", (taken / STALLED as u64) >> 10);
    assert!(taken < UNDER_WAY * STALLED as u64, "{taken} bytes are under way");
    for _ in 0..100 {
        assert_eq!(ends.whole(unary("/a.B/C", b"still there")).await.body, framed(b"still there"));
    }
    for mut body in stalled {
        let mut bytes = 0;
        while let Some(frame) = bounded(body.frame()).await {
            bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
        }
        assert_eq!(bytes, FLOOD << 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buildkit_that_reads_slowly() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let ends = joined(PassAll, {
        let gate = Arc::clone(&gate);
        move |request: Request<Incoming>| {
            let gate = Arc::clone(&gate);
            async move {
                if request.uri().path() == "/a.B/Flood" {
                    drop(gate.acquire().await?);
                }
                echo(request).await
            }
        }
    })
    .await;
    let written = Arc::new(AtomicU64::new(0));
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let (sender, stream) = channel();
        tokio::spawn(flood(sender, Arc::clone(&written)));
        stalled.push(tokio::spawn(ends.frontend.clone().send_request(call("/a.B/Flood", stream))));
    }
    let taken = bounded(settled(&written)).await;
    println!(
        "of {STALLED} streams that BuildKit does not read, {} KiB each are under way",
        (taken / STALLED as u64) >> 10
    );
    assert!(taken < UNDER_WAY * STALLED as u64, "{taken} bytes are under way");
    for _ in 0..100 {
        assert_eq!(ends.whole(unary("/a.B/C", b"still there")).await.body, framed(b"still there"));
    }
    gate.add_permits(STALLED);
    for waiting in stalled {
        let mut body = bounded(waiting).await.unwrap().unwrap().into_body();
        let mut bytes = 0;
        while let Some(frame) = bounded(body.frame()).await {
            bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
        }
        assert_eq!(bytes, FLOOD << 20);
    }
}
