//! A child, BuildKit and a handler, joined: which of them ends the run, and with which error.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use refkit_buildkit::{Body, Connection};
use refkit_frontend::child::Child;
use refkit_frontend::proxy::{Call, Failure, run};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt as _, duplex, join};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::child::{STUBBORN, gone, identifiers, shell};
use crate::ends::{Take, bounded, buildkit, dropped, echo, framed, read, unary};

/// A child that copies bytes between its standard streams and two named pipes, and ends when one of them does.
const CARRIER: &str = r#"
    echo $$ > "$0.pid"
    exec 3<&0
    cat <&3 > "$0.from" &
    cat "$0.to"
"#;

async fn start(child: Child) -> (JoinHandle<Result<(), Failure>>, Connection, JoinHandle<()>) {
    let (near, far) = duplex(64 << 10);
    let server = buildkit(far, echo);
    let connection = Connection::handshake(near).await.unwrap();
    let running = run(child, connection.clone(), Arc::new(Take(async |call: Call| call.pass().await)));
    (tokio::spawn(running), connection, server)
}

/// Runs a script to its end, which has to come in time. BuildKit gets no call.
async fn failure(script: &str, name: &Path) -> (Failure, Duration) {
    let begin = Instant::now();
    let (running, connection, _server) = start(shell(script, name)).await;
    let failure = bounded(running).await.unwrap().unwrap_err();
    let text = failure.to_string();
    assert!(!text.contains('\n') && text.starts_with("the frontend /bin/sh "), "{text}");
    let answer = bounded(connection.send(unary("/a.B/Return", b"what failed"))).await.unwrap();
    assert_eq!(read(answer).await.body, framed(b"what failed"));
    (failure, begin.elapsed())
}

/// Starts such a child, and the client that calls through it.
async fn carried(directory: &TempDir) -> (Child, SendRequest<Body>) {
    let base = directory.path().join("carrier");
    let side = |name: &str| base.with_extension(name);
    for name in ["from", "to"] {
        assert!(Command::new("mkfifo").arg(side(name)).status().unwrap().success());
    }
    let child = shell(CARRIER, &base);
    let from = pipe::OpenOptions::new().read_write(true).open_receiver(side("from")).unwrap();
    let to = pipe::OpenOptions::new().read_write(true).open_sender(side("to")).unwrap();
    let builder = Builder::new(TokioExecutor::new());
    let (client, driver) = builder.handshake(TokioIo::new(join(from, to))).await.unwrap();
    tokio::spawn(driver);
    (child, client)
}

#[tokio::test]
async fn a_child_that_does_its_work() {
    let directory = tempfile::tempdir().unwrap();
    let (child, client) = carried(&directory).await;
    let (running, connection, _server) = start(child).await;
    for path in ["/a.B/Solve", "/take/Return"] {
        let answer = bounded(client.clone().send_request(unary(path, b"over real pipes"))).await.unwrap();
        assert_eq!(read(answer).await.body, framed(b"over real pipes"));
    }
    let message = vec![3; 4 << 20];
    let answer = bounded(client.clone().send_request(unary("/a.B/Solve", &message))).await.unwrap();
    assert!(read(answer).await.body == framed(&message));
    let end = Instant::now();
    drop(client);
    bounded(running).await.unwrap().expect("a good end");
    assert!(end.elapsed() < Duration::from_millis(1500), "it takes {:?} to end", end.elapsed());
    assert!(!connection.is_closed());
}

#[tokio::test]
async fn a_child_that_fails() {
    let (failure, took) = failure("echo 'to standard error' >&2; exit 3", Path::new("sh")).await;
    assert_eq!(failure.to_string(), "the frontend /bin/sh ended with exit code 3");
    assert!(took < Duration::from_millis(1500), "{took:?}");
    let (failure, _) = self::failure("kill -KILL $$", Path::new("sh")).await;
    assert_eq!(failure.to_string(), "the frontend /bin/sh ended by signal 9 (KILL)");
}

#[tokio::test]
async fn a_child_that_crashes_in_a_call() {
    let directory = tempfile::tempdir().unwrap();
    let (child, client) = carried(&directory).await;
    let (near, far) = duplex(64 << 10);
    let (begun, mut begins) = mpsc::unbounded_channel();
    let _server = buildkit(far, move |request: Request<Incoming>| {
        let (guard, ends) = dropped();
        begun.send((request.into_body(), ends)).unwrap();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let connection = Connection::handshake(near).await.unwrap();
    let calls = Arc::new(Take(async |call: Call| call.pass().await));
    let running = tokio::spawn(run(child, connection.clone(), calls));
    let calls = ["/a.B/C", "/take/C"].map(|path| tokio::spawn(client.clone().send_request(unary(path, b""))));
    let open = [bounded(begins.recv()).await.unwrap(), bounded(begins.recv()).await.unwrap()];
    let process = identifiers(&directory.path().join("carrier.pid"), 1).await;
    assert!(Command::new("kill").args(["-SEGV", &process[0]]).status().unwrap().success());
    let begin = Instant::now();
    let failure = bounded(running).await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "the frontend /bin/sh ended by signal 11 (SEGV)");
    assert!(begin.elapsed() < Duration::from_millis(1500), "it takes {:?} to end", begin.elapsed());
    for (_body, ends) in open {
        bounded(ends).await.unwrap();
    }
    assert!(!connection.is_closed());
    drop(calls);
}

#[tokio::test]
async fn a_child_that_says_nonsense() {
    // the child's script, with or without an HTTP/2 preface before it, and the error
    let preface = r"printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'";
    let rows = [
        ("", "echo; echo 'Usage: frontend [OPTIONS]'", r#""Usage: frontend [OPTIONS]""#),
        ("", "printf 'PRI * HTTP/1.1'; sleep 0.1", r#""PRI * HTTP/1.1""#),
        ("", r"printf '\033[31m\342\200\256red'", r#""\u{1b}[31m\u{202e}red""#),
        ("", "head -c 300 /dev/zero | tr '\\0' x", &format!("{:?}", "x".repeat(200))),
        (preface, r"printf '\0\0\5\4\0\0\0\0\0abcde'", "connection error detected: unspecific protocol error detected"),
        (preface, r"head -c 100 /dev/zero | tr '\0' '\377'", "connection error detected: frame with invalid size"),
    ];
    let cases = rows.map(|(before, script, problem)| async move {
        let said = format!("the frontend /bin/sh wrote to its standard output what is no HTTP/2 ({problem})");
        let (failure, took) = self::failure(&format!("{before}\n{script}; sleep 100"), Path::new("sh")).await;
        assert_eq!(failure.to_string(), said);
        assert!(took < Duration::from_secs(10), "{took:?}");
        // For a child that ends in the middle of a frame, the exit is the error.
        for _ in 0..if before.is_empty() { 20 } else { 0 } {
            let (failure, took) = self::failure(&format!("{before}\n{script}; exit 2"), Path::new("sh")).await;
            assert_eq!(failure.to_string(), format!("{said}; the frontend /bin/sh ended with exit code 2"));
            assert!(took < Duration::from_millis(1500), "{took:?}");
        }
    });
    join_all(cases).await;
}

#[tokio::test]
async fn a_child_that_closes_its_stream_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stubborn");
    let (failure, took) = failure(&format!("exec >&-; {STUBBORN}"), &path).await;
    assert_eq!(failure.to_string(), "the frontend /bin/sh closed its stream without ending");
    assert!(took < Duration::from_secs(10), "{took:?}");
    gone(&identifiers(&path, 2).await).await;
}

#[tokio::test]
async fn a_buildkit_that_ends() {
    for crash in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stubborn");
        let child = shell(STUBBORN, &path);
        let processes = identifiers(&path, 2).await;
        let (near, mut far) = duplex(64 << 10);
        let connection = Connection::handshake(near).await.unwrap();
        let calls = Arc::new(Take(async |call: Call| call.pass().await));
        let running = tokio::spawn(run(child, connection, calls));
        if crash {
            far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        } else {
            drop(far);
        }
        let failure = bounded(running).await.unwrap().unwrap_err();
        assert!(matches!(failure, Failure::BuildKit(_)), "{failure:?}");
        println!("BuildKit ends: {failure}");
        gone(&processes).await;
    }
}

#[tokio::test]
async fn a_run_that_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stubborn");
    let child = shell(STUBBORN, &path);
    let processes = identifiers(&path, 2).await;
    let (running, connection, _server) = start(child).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.abort();
    gone(&processes).await;
    assert!(!connection.is_closed());
}
