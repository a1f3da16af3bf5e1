//! Standard streams of every kind: pipes, sockets and files.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use refkit_frontend::stdio::{Input, Output, reader, writer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ends::bounded;

/// Written bytes arrive without a flush, in both directions, and so does the end of a stream.
async fn speak(mut input: Input, mut output: Output) {
    for number in 0..100_u8 {
        bounded(output.write_all(&[number; 300])).await.unwrap();
        let mut got = [0; 300];
        bounded(input.read_exact(&mut got)).await.unwrap();
        assert_eq!(got, [number; 300]);
    }
    drop(output);
    assert_eq!(bounded(input.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn pipes() {
    let (input, output) = std::io::pipe().unwrap();
    speak(reader(OwnedFd::from(input)).unwrap(), writer(OwnedFd::from(output)).unwrap()).await;
}

#[tokio::test]
async fn sockets() {
    let (input, output) = UnixStream::pair().unwrap();
    speak(reader(OwnedFd::from(input)).unwrap(), writer(OwnedFd::from(output)).unwrap()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (input, _) = listener.accept().unwrap();
    speak(reader(OwnedFd::from(input)).unwrap(), writer(OwnedFd::from(output)).unwrap()).await;
}

#[tokio::test]
async fn files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut output = writer(OwnedFd::from(File::create(&path).unwrap())).unwrap();
    bounded(output.write_all(b"what there is")).await.unwrap();
    bounded(output.flush()).await.unwrap();
    let mut input = reader(OwnedFd::from(File::open(&path).unwrap())).unwrap();
    let mut all = String::new();
    bounded(input.read_to_string(&mut all)).await.unwrap();
    assert_eq!(all, "what there is");
}

#[tokio::test]
async fn the_wrong_end_of_a_pipe() {
    let (input, output) = std::io::pipe().unwrap();
    let refused = |error: std::io::Error| error.kind();
    assert_eq!(writer(OwnedFd::from(input)).map(drop).map_err(refused), Err(ErrorKind::InvalidInput));
    assert_eq!(reader(OwnedFd::from(output)).map(drop).map_err(refused), Err(ErrorKind::InvalidInput));
}
