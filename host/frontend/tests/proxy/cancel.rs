//! A cancelled call is cancelled on the other side as well.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;
use refkit_frontend::proxy::Call;
use tokio::sync::{mpsc, oneshot};

use crate::ends::{PassAll, Replied, Take, bounded, call, channel, dropped, echo, framed, joined, read, unary};

/// A BuildKit whose calls stay open, and that reports how each of them ends.
fn patient() -> (impl Fn(Request<Incoming>) -> futures_util::future::BoxFuture<'static, Replied>, Handler) {
    let (begun, calls) = mpsc::unbounded_channel();
    let answer = move |request: Request<Incoming>| -> futures_util::future::BoxFuture<'static, Replied> {
        let (guard, gone) = dropped();
        begun.send((request.into_body(), gone)).unwrap();
        Box::pin(async move {
            let _guard = guard;
            std::future::pending().await
        })
    };
    (answer, calls)
}

type Handler = mpsc::UnboundedReceiver<(Incoming, oneshot::Receiver<()>)>;

#[tokio::test]
async fn a_frontend_that_does_not_wait_for_the_answer() {
    for path in ["/a.B/C", "/take/C"] {
        let (answer, mut calls) = patient();
        let ends = joined(Take(async |call: Call| call.pass().await), answer).await;
        let waiting = tokio::spawn(ends.frontend.clone().send_request(unary(path, b"")));
        let (_body, gone) = bounded(calls.recv()).await.unwrap();
        waiting.abort();
        bounded(gone).await.unwrap();
        // The connection still works.
        drop(tokio::spawn(ends.frontend.clone().send_request(unary(path, b""))));
        let _call = bounded(calls.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn a_frontend_that_does_not_send_the_rest() {
    let (answer, mut calls) = patient();
    let ends = joined(PassAll, answer).await;
    let (send, stream) = channel();
    let waiting = tokio::spawn(ends.frontend.clone().send_request(call("/a.B/C", stream)));
    send.send(Ok(Frame::data(framed(b"one")))).await.unwrap();
    let (mut body, gone) = bounded(calls.recv()).await.unwrap();
    assert_eq!(bounded(body.frame()).await.unwrap().unwrap().into_data().unwrap(), framed(b"one"));
    waiting.abort();
    let error = bounded(body.frame()).await.unwrap().unwrap_err();
    assert!(format!("{error:?}").contains("CANCEL"), "{error:?}");
    bounded(gone).await.unwrap();
}

#[tokio::test]
async fn a_frontend_that_does_not_read_the_rest() {
    let (sender, stream) = channel();
    let stream = Mutex::new(Some(stream));
    let ends = joined(PassAll, move |_| {
        let stream = stream.lock().take().unwrap();
        async move { Ok(Response::new(stream)) }
    })
    .await;
    let mut answer = ends.call(unary("/a.B/C", b"")).await.unwrap().into_body();
    sender.send(Ok(Frame::data(framed(b"one")))).await.unwrap();
    assert!(bounded(answer.frame()).await.unwrap().is_ok());
    drop(answer);
    bounded(sender.closed()).await;
}

#[tokio::test]
async fn a_handler_whose_call_is_given_up() {
    let (guard, gone) = dropped();
    let guard = Mutex::new(Some(guard));
    let (begun, mut begins) = mpsc::unbounded_channel();
    let calls = Take(move |_| {
        let guard = guard.lock().take();
        begun.send(()).unwrap();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let ends = joined(calls, echo).await;
    let waiting = tokio::spawn(ends.frontend.clone().send_request(unary("/take/C", b"")));
    bounded(begins.recv()).await.unwrap();
    waiting.abort();
    bounded(gone).await.unwrap();
}

#[tokio::test]
async fn a_buildkit_that_does_not_answer() {
    for path in ["/a.B/C", "/take/C"] {
        let ends = joined(Take(async |call: Call| call.pass().await), |_| async { Err("no".into()) }).await;
        let error = ends.call(unary(path, b"")).await.unwrap_err();
        assert!(format!("{error:?}").contains("INTERNAL_ERROR"), "{error:?}");
    }
}

#[tokio::test]
async fn a_buildkit_that_breaks_off() {
    for path in ["/a.B/C", "/take/C"] {
        let ends = joined(Take(async |call: Call| call.pass().await), |_| async {
            let (sender, stream) = channel();
            tokio::spawn(async move {
                sender.send(Ok(Frame::data(framed(b"one")))).await.unwrap();
                sender.send(Err("no more".into())).await.unwrap();
            });
            Ok(Response::new(stream))
        })
        .await;
        let error = match ends.call(unary(path, b"")).await {
            Err(error) => error,
            Ok(answer) => {
                let mut body = answer.into_body();
                assert!(bounded(body.frame()).await.unwrap().is_ok());
                bounded(body.frame()).await.unwrap().unwrap_err()
            }
        };
        assert!(format!("{error:?}").contains("INTERNAL_ERROR"), "{error:?}");
    }
}

#[tokio::test]
async fn a_buildkit_that_does_not_read_the_rest() {
    let (sender, stream) = channel();
    let ends = joined(PassAll, |request: Request<Incoming>| async move {
        request.into_body().frame().await;
        Err("no".into())
    })
    .await;
    let waiting = tokio::spawn(ends.frontend.clone().send_request(call("/a.B/C", stream)));
    let send = async { while sender.send(Ok(Frame::data(Bytes::from(vec![0; 64 << 10])))).await.is_ok() {} };
    bounded(send).await;
    let error = bounded(waiting).await.unwrap().unwrap_err();
    assert!(format!("{error:?}").contains("INTERNAL_ERROR"), "{error:?}");
}

#[tokio::test]
async fn a_buildkit_that_is_gone() {
    for path in ["/a.B/C", "/take/C"] {
        let (answer, mut calls) = patient();
        let ends = joined(Take(async |call: Call| call.pass().await), answer).await;
        let waiting = tokio::spawn(ends.frontend.clone().send_request(unary(path, b"")));
        let _call = bounded(calls.recv()).await.unwrap();
        ends.buildkit.abort();
        _ = bounded(ends.connection.ended()).await;
        match bounded(waiting).await.unwrap() {
            Err(_) => {}
            Ok(answer) => assert_eq!(read(answer).await.status().code(), tonic::Code::Unavailable),
        }
        let status = ends.whole(unary(path, b"")).await.status();
        assert_eq!(
            (status.code(), status.message()),
            (tonic::Code::Unavailable, "the connection to BuildKit has ended")
        );
    }
}

#[tokio::test]
async fn a_frontend_that_is_gone_and_its_calls() {
    let (answer, mut calls) = patient();
    let ends = joined(Take(async |call: Call| call.pass().await), answer).await;
    let open: Vec<_> = (0..50)
        .map(|number| unary(if number % 2 == 0 { "/a.B/C" } else { "/take/C" }, b""))
        .map(|request| tokio::spawn(ends.frontend.clone().send_request(request)))
        .collect();
    let mut gone = Vec::new();
    for _ in 0..50 {
        gone.push(bounded(calls.recv()).await.unwrap());
    }
    open.iter().for_each(tokio::task::JoinHandle::abort);
    drop((open, ends.frontend));
    bounded(ends.proxy).await.unwrap().expect("a clean end");
    for (_body, gone) in gone {
        bounded(gone).await.unwrap();
    }
    // The connection to BuildKit still works, so that the frontend can return its error.
    let again = tokio::spawn(async move { ends.connection.send(unary("/a.B/Return", b"")).await });
    let _call = bounded(calls.recv()).await.unwrap();
    again.abort();
}

#[tokio::test]
async fn a_proxy_that_is_given_up_and_its_calls() {
    let (guard, gone) = dropped();
    let guard = Arc::new(Mutex::new(Some(guard)));
    let (begun, mut begins) = mpsc::unbounded_channel();
    let calls = Take(move |_| {
        let guard = guard.lock().take();
        begun.send(()).unwrap();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let ends = joined(calls, echo).await;
    let waiting = tokio::spawn(ends.frontend.clone().send_request(unary("/take/C", b"")));
    bounded(begins.recv()).await.unwrap();
    ends.proxy.abort();
    bounded(gone).await.unwrap();
    assert!(bounded(waiting).await.unwrap().is_err());
    assert!(!ends.connection.is_closed());
}

#[tokio::test]
async fn a_thousand_calls_are_given_up_at_once() {
    let (answer, mut calls) = patient();
    let ends = joined(PassAll, answer).await;
    for _ in 0..5 {
        let waiting: Vec<_> =
            (0..200).map(|_| tokio::spawn(ends.frontend.clone().send_request(unary("/a.B/C", b"")))).collect();
        let mut gone = Vec::new();
        for _ in 0..200 {
            gone.push(bounded(calls.recv()).await.unwrap());
        }
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        for (_body, gone) in gone {
            bounded(gone).await.unwrap();
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!ends.proxy.is_finished() && !ends.connection.is_closed());
}
