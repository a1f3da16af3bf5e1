//! Random bytes from either side: the run ends in time and without a panic.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use refkit_buildkit::Connection;
use refkit_frontend::proxy::{Call, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::task::JoinHandle;

use crate::ends::{Replied, Take, bounded, buildkit, call, channel, echo, framed, frontend, unary};
use crate::noise::{Noise, spoiled};

/// The number of cases of each kind.
const CASES: u64 = 3000;

/// How long one case may take.
const PATIENCE: Duration = Duration::from_secs(20);

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// The calls that got through the noise.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Counts the panics of tasks, which the runtime hides.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let task = std::thread::current().name().is_some_and(|name| name.starts_with("tokio"));
            PANICS.fetch_add(usize::from(task), Ordering::Relaxed);
            usual(panic);
        }));
    });
}

async fn pass(call: Call) -> Result<refkit_frontend::proxy::CallResponse, refkit_frontend::proxy::CallError> {
    let answer = call.pass().await?;
    _ = (answer.status(), answer.message());
    Ok(answer)
}

/// Responds, and counts the calls.
async fn answer(request: Request<Incoming>) -> Replied {
    CALLS.fetch_add(1, Ordering::Relaxed);
    echo(request).await
}

/// Joins two streams, and returns the bytes of each direction once both are closed.
fn recorded(one: DuplexStream, other: DuplexStream) -> (JoinHandle<Vec<u8>>, JoinHandle<Vec<u8>>) {
    let ((one_in, one_out), (other_in, other_out)) = (split(one), split(other));
    let copy = |mut from: tokio::io::ReadHalf<DuplexStream>, mut to: tokio::io::WriteHalf<DuplexStream>| {
        tokio::spawn(async move {
            let (mut all, mut piece) = (Vec::new(), vec![0; 16 << 10]);
            while let Ok(length @ 1..) = from.read(&mut piece).await {
                all.extend_from_slice(&piece[..length]);
                if to.write_all(&piece[..length]).await.is_err() {
                    break;
                }
            }
            _ = to.shutdown().await;
            all
        })
    };
    (copy(one_in, other_out), copy(other_in, one_out))
}

/// Makes three calls at a time, one of each kind, reads their responses as far as they go, and returns how many are whole.
async fn session(stream: DuplexStream) -> usize {
    let client = frontend(stream).await;
    let (sender, body) = channel();
    let calls = [unary("/a.B/C", b"one"), unary("/take/C", b"two"), call("/a.B/ExecProcess", body)];
    let waiting: Vec<_> = calls.map(|request| client.clone().send_request(request)).into_iter().collect();
    let speak = async {
        for number in 0..3 {
            _ = sender.send(Ok(Frame::data(framed(&[number; 40])))).await;
        }
        drop(sender);
    };
    let listen = futures_util::future::join_all(waiting.into_iter().map(|answer| async {
        match answer.await {
            Ok(answer) => answer.into_body().collect().await.is_ok(),
            Err(_) => false,
        }
    }));
    let (_, whole) = futures_util::future::join(speak, listen).await;
    whole.into_iter().filter(|&whole| whole).count()
}

/// Records a session: the bytes of the frontend, and those of BuildKit.
async fn record() -> (Vec<u8>, Vec<u8>) {
    let (near, middle) = duplex(64 << 10);
    let (other, far) = duplex(64 << 10);
    let (_, from_buildkit) = recorded(middle, other);
    let server = buildkit(far, answer);
    let connection = Connection::handshake(near).await.unwrap();
    let (near, middle) = duplex(64 << 10);
    let (other, far) = duplex(64 << 10);
    let (_, from_frontend) = recorded(middle, other);
    let proxy = tokio::spawn(serve(near, connection.clone(), Arc::new(Take(pass))));
    assert_eq!(bounded(session(far)).await, 3);
    let said = bounded(from_frontend).await.unwrap();
    bounded(proxy).await.unwrap().expect("a clean end");
    drop(connection);
    let answered = bounded(from_buildkit).await.unwrap();
    bounded(server).await.unwrap();
    (said, answered)
}

/// Sends bytes, and closes the stream at once or when no more bytes come back.
async fn speak(
    stream: &mut tokio::io::WriteHalf<DuplexStream>,
    said: &mut tokio::io::ReadHalf<DuplexStream>,
    bytes: &[u8],
    at_once: bool,
) {
    let (heard, mut quiet) = tokio::sync::watch::channel(());
    let listen = async {
        let mut piece = vec![0; 16 << 10];
        while let Ok(1..) = said.read(&mut piece).await {
            heard.send_replace(());
        }
    };
    let speak = async {
        _ = stream.write_all(bytes).await;
        let idle = Duration::from_millis(1);
        while !at_once && tokio::time::timeout(idle, quiet.changed()).await.is_ok() {}
        _ = stream.shutdown().await;
    };
    futures_util::future::join(listen, speak).await;
}

/// Sends bytes to a proxy as a frontend that closes its stream at once or when no more bytes come back, and returns the
/// bytes of the proxy.
async fn said(bytes: &[u8], at_once: bool, connection: &Connection) -> Result<(), hyper::Error> {
    let (near, far) = duplex(16 << 10);
    let proxy = serve(near, connection.clone(), Arc::new(Take(pass)));
    let spoken = async {
        let (mut answers, mut stream) = split(far);
        speak(&mut stream, &mut answers, bytes, at_once).await;
    };
    tokio::pin!(proxy, spoken);
    let both = async {
        tokio::select! {
            end = &mut proxy => end,
            () = &mut spoken => proxy.await,
        }
    };
    tokio::time::timeout(PATIENCE, both).await.expect("it hangs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_frontend() {
    count_panics();
    let (recording, _) = record().await;
    let (near, far) = duplex(64 << 10);
    let _buildkit = buildkit(far, answer);
    let connection = Connection::handshake(near).await.unwrap();
    said(&recording, false, &connection).await.expect("what was recorded is right");
    let (mut clean, start) = (0, std::time::Instant::now());
    for seed in 0..CASES {
        let mut noise = Noise::new(seed);
        let bytes = match seed % 8 {
            0 => noise.bytes(200),
            1 => [&recording[..24], &noise.bytes(400)].concat(),
            _ => spoiled(&recording, &mut noise),
        };
        clean += u32::from(said(&bytes, seed % 3 == 0, &connection).await.is_ok());
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "seed {seed}");
    }
    let calls = CALLS.load(Ordering::Relaxed);
    println!("{CASES} frontends that say nonsense: {:?}, {clean} end cleanly, {calls} calls pass", start.elapsed());
    assert!(calls > CASES as usize / 4, "the noise is so loud that nothing is tested");
    // The connection to BuildKit still works.
    let (near, far) = duplex(64 << 10);
    let proxy = tokio::spawn(serve(near, connection.clone(), Arc::new(Take(pass))));
    let client = frontend(far).await;
    let answer = bounded(client.clone().send_request(unary("/take/C", b"still there"))).await.unwrap();
    assert_eq!(bounded(answer.into_body().collect()).await.unwrap().to_bytes(), framed(b"still there"));
    drop(client);
    bounded(proxy).await.unwrap().unwrap();
}

/// Waits for the calls of a session, then sends bytes as BuildKit, and closes.
async fn answers(stream: DuplexStream, bytes: Vec<u8>, at_once: bool) {
    let (mut calls, mut answers) = split(stream);
    let (mut seen, mut piece) = (Vec::new(), vec![0; 16 << 10]);
    // The heads of three calls: a frame of type 1 each.
    while frames(&seen).filter(|&kind| kind == 1).count() < 3 {
        match calls.read(&mut piece).await {
            Ok(length @ 1..) => seen.extend_from_slice(&piece[..length]),
            _ => return,
        }
    }
    speak(&mut answers, &mut calls, &bytes, at_once).await;
}

/// Returns the types of the frames after a preface.
fn frames(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = bytes.get(24..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [high, middle, low, kind, ..] = *rest else { return None };
        rest = rest.get(9 + u32::from_be_bytes([0, high, middle, low]) as usize..)?;
        Some(kind)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_buildkit() {
    count_panics();
    let (_, recording) = record().await;
    let (mut answered, start) = (0, std::time::Instant::now());
    for seed in 0..CASES {
        let mut noise = Noise::new(seed);
        let bytes = match seed % 8 {
            0 => noise.bytes(200),
            1 => [&recording[..40.min(recording.len())], &noise.bytes(400)].concat(),
            _ => spoiled(&recording, &mut noise),
        };
        let case = async {
            let (near, far) = duplex(16 << 10);
            let buildkit = tokio::spawn(answers(far, bytes, seed % 3 == 0));
            let connection = Connection::handshake(near).await.unwrap();
            let ended = connection.ended();
            let (near, far) = duplex(16 << 10);
            let proxy = tokio::spawn(serve(near, connection, Arc::new(Take(pass))));
            let whole = session(far).await;
            proxy.await.unwrap().expect("the frontend did nothing wrong");
            buildkit.await.unwrap();
            _ = ended.await;
            whole
        };
        let whole = tokio::time::timeout(PATIENCE, case).await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
        answered += whole;
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "seed {seed}");
    }
    println!("{CASES} BuildKits that say nonsense: {:?}, {answered} calls have an answer", start.elapsed());
    assert!(answered > CASES as usize / 4, "the noise is so loud that nothing is tested");
}

#[tokio::test]
async fn what_is_no_http_2() {
    let (near, far) = duplex(64 << 10);
    let _buildkit = buildkit(far, answer);
    let connection = Connection::handshake(near).await.unwrap();
    for text in ["hello\n", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX more"] {
        let error = said(text.as_bytes(), false, &connection).await.expect_err(text);
        assert!(!format!("{error:?}").is_empty());
    }
    for text in ["", "PRI * HT"] {
        // A frontend that ends before its first byte: its exit tells more.
        _ = said(text.as_bytes(), false, &connection).await;
    }
    let flood = Bytes::from(vec![0xff; 1 << 20]);
    said(&flood, false, &connection).await.expect_err("a flood");
}
