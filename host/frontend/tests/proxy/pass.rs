//! A call that the handler does not answer passes as it is.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, Uri, header};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::sync::Barrier;

use crate::ends::{PassAll, body, bounded, call, channel, echo, framed, headers, joined, read, reply, unary};

#[tokio::test]
async fn a_call_and_its_answer_pass_to_the_byte() {
    let sent = [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "grpc-go/1.78.0"),
        ("grpc-timeout", "15S"),
        ("x-unknown", "one"),
        ("x-unknown", "two"),
        ("x-trace-bin", "AAECAw"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let (head, end) = ([("content-type", "application/grpc"), ("x-head", "é")], [("grpc-status", "0"), ("x-end", "1")]);
    let seen = Arc::new(Mutex::new(None));
    let ends = joined(PassAll, {
        let seen = Arc::clone(&seen);
        move |request: Request<Incoming>| {
            let seen = Arc::clone(&seen);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                *seen.lock() = Some((head.method, head.uri, head.headers, body));
                let frames = vec![Frame::data(framed(b"answer")), Frame::trailers(headers(&end))];
                let mut response = Response::new(crate::ends::body(frames));
                *response.headers_mut() = headers(&[("content-type", "application/grpc"), ("x-head", "é")]);
                Ok(response)
            }
        }
    })
    .await;
    let path = "/moby.buildkit.v1.frontend.LLBBridge/Unknown";
    let mut request = unary(path, b"question");
    *request.headers_mut() = headers(&sent);
    let answer = ends.whole(request).await;

    let (method, uri, got, body) = seen.lock().take().expect("a call");
    assert_eq!((method, uri), (http::Method::POST, format!("http://localhost{path}").parse::<Uri>().unwrap()));
    assert_eq!(got, headers(&sent));
    assert_eq!(body, framed(b"question"));
    assert_eq!(answer.headers, headers(&head));
    assert_eq!(answer.body, framed(b"answer"));
    assert_eq!(answer.trailers, Some(headers(&end)));
}

#[tokio::test]
async fn an_answer_of_headers_alone_stays_one() {
    let refusal = [("content-type", "application/grpc"), ("grpc-status", "7"), ("grpc-message", "no%20way")];
    let ends = joined(PassAll, move |_| async move {
        let mut response = Response::new(body(Vec::new()));
        *response.body_mut() = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
        *response.headers_mut() = headers(&refusal);
        Ok(response)
    })
    .await;
    let response = ends.call(unary("/a.B/C", b"")).await.unwrap();
    assert!(response.body().is_end_stream());
    assert_eq!(read(response).await.headers, headers(&refusal));
}

#[tokio::test]
async fn large_details_of_an_error_pass() {
    let details = "A".repeat(300 << 10);
    let ends = joined(PassAll, move |_| {
        let details = details.clone();
        async move {
            let end = headers(&[("grpc-status", "2"), ("grpc-status-details-bin", &details)]);
            Ok(Response::new(body(vec![Frame::trailers(end)])))
        }
    })
    .await;
    let answer = ends.whole(unary("/a.B/C", b"")).await;
    assert_eq!(answer.trailers.unwrap()["grpc-status-details-bin"].len(), 300 << 10);
}

#[tokio::test]
async fn every_message_passes_when_it_comes() {
    let (to_frontend, stream) = channel();
    let stream = Mutex::new(Some(stream));
    let ends = joined(PassAll, move |_| {
        let stream = stream.lock().take().unwrap();
        async move { Ok(Response::new(stream)) }
    })
    .await;
    let mut answer = ends.call(unary("/a.B/Stream", b"")).await.unwrap().into_body();
    for number in 0..100_u8 {
        to_frontend.send(Ok(Frame::data(framed(&[number])))).await.unwrap();
        let frame = bounded(answer.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), framed(&[number]));
    }
    to_frontend.send(Ok(Frame::trailers(headers(&[("grpc-status", "0")])))).await.unwrap();
    let end = bounded(answer.frame()).await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(end, headers(&[("grpc-status", "0")]));
}

#[tokio::test]
async fn both_sides_speak_in_turn() {
    let ends = joined(PassAll, echo).await;
    let (to_buildkit, stream) = channel();
    let mut answer = ends.call(call("/a.B/ExecProcess", stream)).await.unwrap().into_body();
    for number in 0..200_u32 {
        let message = framed(&number.to_be_bytes());
        to_buildkit.send(Ok(Frame::data(message.clone()))).await.unwrap();
        assert_eq!(bounded(answer.frame()).await.unwrap().unwrap().into_data().unwrap(), message);
    }
    drop(to_buildkit);
    assert!(bounded(answer.frame()).await.unwrap().unwrap().is_trailers());
    assert!(bounded(answer.frame()).await.is_none());
}

#[tokio::test]
async fn an_answer_may_end_before_its_call() {
    let ends = joined(PassAll, |_| async { Ok(reply(b"enough")) }).await;
    for _ in 0..100 {
        let (to_buildkit, stream) = channel();
        to_buildkit.send(Ok(Frame::data(framed(b"one")))).await.unwrap();
        let answer = ends.whole(call("/a.B/C", stream)).await;
        assert_eq!((answer.body, answer.trailers), (framed(b"enough"), Some(headers(&[("grpc-status", "0")]))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_are_side_by_side() {
    let all = Arc::new(Barrier::new(200));
    let ends = joined(PassAll, move |request: Request<Incoming>| {
        let all = Arc::clone(&all);
        async move {
            all.wait().await;
            echo(request).await
        }
    })
    .await;
    let calls = (0..200_u32).map(|number| {
        let ends = &ends;
        async move { (number, ends.whole(unary("/a.B/C", &number.to_be_bytes())).await) }
    });
    for (number, answer) in bounded(join_all(calls)).await {
        assert_eq!(answer.body, framed(&number.to_be_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_buildkit_bears_wait_for_it() {
    let ends = joined(PassAll, echo).await;
    let calls = (0..2000_u32).map(|number| {
        let ends = &ends;
        async move { (number, ends.whole(unary("/a.B/C", &number.to_be_bytes())).await) }
    });
    for (number, answer) in bounded(join_all(calls)).await {
        assert_eq!(answer.body, framed(&number.to_be_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_passes() {
    let ends = joined(PassAll, echo).await;
    let message: Vec<u8> = (0..32 << 20_u32).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let start = std::time::Instant::now();
    let answer = ends.whole(unary("/a.B/C", &message)).await;
    println!("32 MiB to BuildKit and back: {:?}", start.elapsed());
    assert!(answer.body == framed(&message));
}

#[tokio::test]
async fn a_length_that_was_told_is_told() {
    let ends = joined(PassAll, |request: Request<Incoming>| async move {
        let told = request.headers().get(header::CONTENT_LENGTH).cloned();
        let mut response = reply(b"");
        if let Some(told) = told {
            response.headers_mut().insert("x-told", told);
        }
        Ok(response)
    })
    .await;
    let told = ends
        .whole(call(
            "/a.B/C",
            http_body_util::Full::new(framed(b"12345")).map_err(|never| match never {}).boxed_unsync(),
        ))
        .await;
    assert_eq!(told.headers["x-told"], "10");
    for nothing in [body(Vec::new()), body(vec![Frame::data(Bytes::new())]), body(vec![Frame::data(framed(b"1"))])] {
        let not = ends.whole(call("/a.B/C", nothing)).await;
        assert!(!not.headers.contains_key("x-told"), "{:?}", not.headers);
    }
}
