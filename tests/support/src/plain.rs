//! A plain HTTP/1.1 client of one request a connection, for tests that look at what really comes over the wire, and
//! for filling registries. It blocks, and every read and write is bounded in time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// The longest wait for the peer: 20 s, well over what a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or what came of it.
    pub body: Vec<u8>,
    /// Whether the body is all that its framing promised.
    pub complete: bool,
}

impl Reply {
    /// Returns the first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as text; what is none is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends `GET target` to `IP:PORT` and returns what comes.
///
/// # Errors
/// Where there is no answer, or none that is HTTP.
pub fn get(host: &str, target: &str, headers: &[(&str, &str)]) -> anyhow::Result<Reply> {
    send(host, "GET", target, headers, b"")
}

/// Sends a request to `IP:PORT` and returns what comes. A body that breaks off is returned as far as it came.
///
/// # Errors
/// Where there is no answer, or none that is HTTP.
pub fn send(host: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> anyhow::Result<Reply> {
    let exchanged = connect(host).and_then(|stream| exchange(stream, host, method, target, headers, body));
    exchanged.with_context(|| format!("{method} http://{host}{target}"))
}

/// Returns a connection to `IP:PORT` on which nothing waits for ever.
pub(crate) fn connect(host: &str) -> anyhow::Result<TcpStream> {
    let address: SocketAddr = host.parse().with_context(|| format!("{host} is not IP:PORT"))?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends one request over a connection and reads until its end.
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    host: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> anyhow::Result<Reply> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    // A peer may answer and close before it has read everything: its answer counts.
    let sent = stream.write_all(body);
    let mut received = Vec::new();
    let end = stream.read_to_end(&mut received);
    let reply = parse(&received, method == "HEAD");
    match (reply, sent, end) {
        (Ok(reply), ..) => Ok(reply),
        (Err(_), Err(problem), _) | (Err(_), Ok(()), Err(problem)) => Err(problem.into()),
        (Err(problem), Ok(()), Ok(_)) => Err(problem),
    }
}

fn parse(received: &[u8], head_only: bool) -> anyhow::Result<Reply> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        bail!("the connection ended after {} bytes, before the end of the headers", received.len());
    };
    let head = std::str::from_utf8(&received[..end]).context("the headers are not text")?;
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("{first:?} is no status line"))?;
    let mut reply = Reply { status, headers: Vec::new(), body: Vec::new(), complete: true };
    for line in lines {
        let (name, value) = line.split_once(':').with_context(|| format!("{line:?} is no header"))?;
        reply.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let rest = &received[end + 4..];
    if head_only || matches!(status, 204 | 304) {
        return Ok(reply);
    }
    if reply.header("transfer-encoding") == Some("chunked") {
        (reply.body, reply.complete) = dechunk(rest);
    } else if let Some(length) = reply.header("content-length") {
        let length: usize = length.parse().with_context(|| format!("{length:?} is no Content-Length"))?;
        reply.complete = rest.len() >= length;
        reply.body = rest[..length.min(rest.len())].to_vec();
    } else {
        reply.body = rest.to_vec();
    }
    Ok(reply)
}

/// Returns what a chunked body holds, and whether its last chunk came.
fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size else { break };
        if size == 0 {
            return (body, true);
        }
        let chunk = &rest[end + 2..];
        body.extend_from_slice(&chunk[..size.min(chunk.len())]);
        match chunk.get(size + 2..) {
            Some(next) => rest = next,
            None => break,
        }
    }
    (body, false)
}
