//! The calls that a handler answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;
use refkit_frontend::proxy::{Call, CallError, CallResponse};
use tonic::{Code, Status};

use crate::ends::{Replied, Take, body, bounded, call, channel, dropped, echo, framed, headers, joined, reply, unary};

/// A BuildKit that gets no call.
async fn silent(_: Request<Incoming>) -> Replied {
    Err("BuildKit was asked".into())
}

#[tokio::test]
async fn an_answer_of_its_own() {
    let calls = Take(async |call: Call| {
        assert_eq!(call.path(), "/take/Answer");
        assert_eq!(call.headers()["te"], "trailers");
        Ok(CallResponse::new(&[call.message(), &b" back"[..]].concat())?)
    });
    let ends = joined(calls, silent).await;
    let answer = ends.whole(unary("/take/Answer", b"there and")).await;
    assert_eq!(answer.body, framed(b"there and back"));
    assert_eq!(answer.headers, headers(&[("content-type", "application/grpc")]));
    assert_eq!(answer.trailers, Some(headers(&[("grpc-status", "0")])));
    assert_eq!(ends.whole(unary("/take/Answer", b"")).await.body, framed(b" back"));
}

#[tokio::test]
async fn a_refusal_with_all_it_has() {
    let details = Bytes::from_static(&[0, 1, 2, 253, 254, 255, 7]);
    let calls = Take({
        let details = details.clone();
        move |_| {
            let status = Status::with_details(Code::PermissionDenied, "verboten: größer\n100 %", details.clone());
            async move { Err(status.into()) }
        }
    });
    let ends = joined(calls, silent).await;
    let answer = ends.whole(unary("/take/Refusal", b"")).await;
    let status = answer.status();
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "verboten: größer\n100 %"));
    assert_eq!(status.details(), &details);
    assert!(answer.body.is_empty() && answer.trailers.is_none());
    assert_eq!(answer.headers["content-type"], "application/grpc");
}

#[tokio::test]
async fn a_method_that_is_refused_is_not_read() {
    let ends = joined(Take(async |call: Call| call.pass().await), silent).await;
    let (_open, stream) = channel();
    let status = ends.whole(call("/refuse/Method", stream)).await.status();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "there is no /refuse/Method"));
    let mut request = unary("/a.B/C", b"");
    *request.method_mut() = http::Method::GET;
    let status = ends.whole(request).await.status();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "GET is no method of gRPC"));
}

/// Responds with everything that it was called with.
async fn mirror(request: Request<Incoming>) -> Replied {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let mut response = reply(bytes.get(5..).unwrap_or_default());
    let names = head.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap_or("?")));
    response.headers_mut().insert("x-called", names.collect::<Vec<_>>().join(" ").parse()?);
    Ok(response)
}

#[tokio::test]
async fn a_call_passes_as_it_is_or_with_another_message() {
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let calls = Take({
        let seen = std::sync::Arc::clone(&seen);
        move |call: Call| {
            let seen = std::sync::Arc::clone(&seen);
            async move {
                let answer = match call.path() {
                    "/take/same" => call.pass().await?,
                    "/take/call" => call.pass_with(b"another").await?,
                    _ => call.pass().await?.with_message(b"another answer")?,
                };
                seen.lock().push((answer.is_ok(), answer.message()?));
                Ok(answer)
            }
        }
    });
    let ends = joined(calls, mirror).await;
    for (path, answered) in [("same", &b"one"[..]), ("call", b"another"), ("answer", b"another answer")] {
        let full = http_body_util::Full::new(framed(b"one")).map_err(|never| match never {}).boxed_unsync();
        let answer = ends.whole(call(&format!("/take/{path}"), full)).await;
        assert_eq!(answer.body, framed(answered));
        assert_eq!(answer.trailers, Some(headers(&[("grpc-status", "0")])));
        let called = answer.headers["x-called"].to_str().unwrap();
        let rest = "content-type=application/grpc te=trailers user-agent=grpc-go/1.78.0";
        let length = if path == "call" { "" } else { " content-length=8" };
        assert_eq!(called, format!("{rest}{length}"));
        assert_eq!(*seen.lock().last().unwrap(), (true, Bytes::copy_from_slice(answered)));
    }
}

#[tokio::test]
async fn an_answer_is_looked_at_and_stays_what_it_is() {
    let sent = Mutex::new(Vec::new());
    // BuildKit's headers, message and trailers, and the text that the handler gets from them
    type Row = (&'static [(&'static str, &'static str)], Option<Bytes>, &'static [(&'static str, &'static str)]);
    let rows: [(Row, &str); 9] = [
        ((&[("x", "1")], Some(framed(b"ok")), &[("grpc-status", "0")]), "ok"),
        ((&[("grpc-status", "7"), ("grpc-message", "no")], None, &[]), "does not have permission"),
        ((&[], None, &[("grpc-status", "5"), ("grpc-message", "%E2%82%AC")]), "entity was not found"),
        ((&[], Some(framed(b"ok")), &[("grpc-status", "99")]), "Unknown error"),
        ((&[], Some(framed(b"ok")), &[("x", "1")]), "BuildKit answered without a status"),
        ((&[], None, &[("grpc-status", "0")]), "BuildKit's answer's message is missing"),
        ((&[], Some(Bytes::from_static(&[1, 0, 0, 0, 0])), &[("grpc-status", "0")]), "compressed"),
        ((&[], Some(Bytes::from_static(&[0, 0, 0, 0, 9, 1])), &[("grpc-status", "0")]), "1 of its 9 bytes"),
        ((&[], None, &[("grpc-status", "2"), ("grpc-status-details-bin", "!§%")]), "Unknown error"),
    ];
    sent.lock().extend(rows.iter().rev().map(|(row, _)| row.clone()));
    let calls = Take(async |call: Call| {
        let mut answer = call.pass().await?;
        let said = match answer.message() {
            Ok(message) => String::from_utf8_lossy(&message).into_owned(),
            Err(status) => format!("{status} {}", status.message()),
        };
        assert_eq!(answer.is_ok(), answer.status().code() == Code::Ok);
        answer.headers_mut().insert("x-said", said.escape_default().to_string().parse().unwrap());
        Ok(answer)
    });
    let ends = joined(calls, move |_| {
        let (head, message, end) = sent.lock().pop().unwrap();
        async move {
            let mut frames: Vec<_> = message.into_iter().map(Frame::data).collect();
            if !end.is_empty() {
                frames.push(Frame::trailers(headers(end)));
            }
            let mut response = Response::new(body(frames));
            *response.headers_mut() = headers(head);
            Ok(response)
        }
    })
    .await;
    for ((head, message, end), expected) in rows {
        let mut answer = ends.whole(unary("/take/Look", b"")).await;
        let said = answer.headers.remove("x-said").unwrap();
        let expected = expected.escape_default().to_string();
        assert!(said.to_str().unwrap().contains(&expected), "{said:?} does not say {expected:?}");
        assert_eq!(answer.headers, headers(head));
        assert_eq!(answer.body, message.unwrap_or_default());
        assert_eq!(answer.trailers.unwrap_or_default(), headers(end));
    }
}

#[tokio::test]
async fn what_is_not_one_message_is_refused() {
    let ends = joined(Take(async |call: Call| call.pass().await), echo).await;
    let two = [framed(b"one"), framed(b"two")].concat();
    let huge = [&[0][..], &u32::MAX.to_be_bytes()].concat();
    let over = [&[0][..], &((64 << 20) + 1_u32).to_be_bytes()].concat();
    let rows: [(&[u8], Code, &str); 9] = [
        (b"", Code::InvalidArgument, "the call's message is missing"),
        (&[0, 0, 0], Code::InvalidArgument, "the call's message is truncated: it ends within its prefix"),
        (&[0, 0, 0, 0, 3, 1], Code::InvalidArgument, "the call's message is truncated: 1 of its 3 bytes are there"),
        (&two, Code::InvalidArgument, "the call has more than one message"),
        (&[0, 0, 0, 0, 0, 9], Code::InvalidArgument, "the call has more than one message"),
        (&[1, 0, 0, 0, 0], Code::Unimplemented, "compressed messages are not understood: call without compression"),
        (&[7, 0, 0, 0, 0], Code::InvalidArgument, "the call's message has the unknown flag 7"),
        (&huge, Code::ResourceExhausted, "a message of 4294967295 bytes is larger than the 67108864 that one may have"),
        (&over, Code::ResourceExhausted, "a message of 67108865 bytes is larger than the 67108864 that one may have"),
    ];
    for (bytes, code, message) in rows {
        // As one frame, and byte by byte.
        let at_once = vec![Frame::data(Bytes::copy_from_slice(bytes))];
        let by_and_by = bytes.iter().map(|&byte| Frame::data(Bytes::copy_from_slice(&[byte]))).collect();
        for frames in [at_once, by_and_by] {
            let status = ends.whole(call("/take/Message", body(frames))).await.status();
            assert_eq!((status.code(), status.message()), (code, message));
        }
    }
    // A message that is too large is refused before its bytes arrive.
    let (send, stream) = channel();
    send.send(Ok(Frame::data(huge.into()))).await.unwrap();
    assert_eq!(ends.whole(call("/take/Message", stream)).await.status().code(), Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_is_taken() {
    let ends = joined(Take(async |call: Call| call.pass_with(&call.message().clone()).await), echo).await;
    let message = vec![42; 32 << 20];
    assert!(ends.whole(unary("/take/Large", &message)).await.body == framed(&message));
}

#[tokio::test]
async fn a_deadline_bounds_the_handler() {
    let (guard, gone) = dropped();
    let guard = Mutex::new(Some(guard));
    let calls = Take(move |_| {
        let guard = guard.lock().take();
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Err(CallError::from(Status::internal("it came back")))
        }
    });
    let ends = joined(calls, silent).await;
    let start = Instant::now();
    let mut request = unary("/take/Slow", b"");
    request.headers_mut().extend(headers(&[("grpc-timeout", "100m")]));
    let status = ends.whole(request).await.status();
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "the call took more than its 100ms"));
    assert!((Duration::from_millis(100)..Duration::from_secs(5)).contains(&start.elapsed()));
    bounded(gone).await.unwrap();

    // The deadline holds for a message that never arrives as well.
    let (_open, stream) = channel();
    let mut request = call("/take/Slow", stream);
    request.headers_mut().extend(headers(&[("grpc-timeout", "50000u")]));
    assert_eq!(ends.whole(request).await.status().code(), Code::DeadlineExceeded);
}

#[test]
fn deadlines() {
    let parse = |text: &str| refkit_frontend::grpc::timeout(&headers(&[("grpc-timeout", text)]));
    let rows = [
        ("1H", Duration::from_secs(3600)),
        ("2M", Duration::from_secs(120)),
        ("15S", Duration::from_secs(15)),
        ("0m", Duration::ZERO),
        ("14999u", Duration::from_micros(14_999)),
        ("99999999n", Duration::from_nanos(99_999_999)),
        ("99999999H", Duration::from_secs(99_999_999 * 3600)),
    ];
    for (text, expected) in rows {
        assert_eq!(parse(text).unwrap(), Some(expected), "{text}");
    }
    for text in ["", "S", "1", "1s", "100000000S", "-1S", "1.5S", " 1S", "1S ", "+1S", "１S"] {
        assert_eq!(parse(text).map_err(|status| status.code()), Err(Code::Internal), "{text:?}");
    }
    assert_eq!(refkit_frontend::grpc::timeout(&HeaderMap::new()).unwrap(), None);
}
