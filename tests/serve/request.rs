//! Requests of HTTP/1.1, byte for byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a test waits for a response.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// Connects to `127.0.0.1:PORT`, or to the path of a unix socket.
pub fn connect(address: &str) -> Box<dyn Connection> {
    if address.starts_with('/') {
        let stream = UnixStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Box::new(stream)
    } else {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Box::new(stream)
    }
}

/// Sends a request on a connection of its own, and returns the whole response.
pub fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    request_over(connect(address), method, path, headers)
}

/// Sends the only request of a connection, and returns the whole response.
pub fn request_over(mut connection: impl Connection, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(connection, "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    response
}

/// Returns the status code of a response.
pub fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap_or_else(|| panic!("{response:?}")).parse().unwrap()
}

/// Returns the status of gRPC in a response.
pub fn grpc_status(response: &str) -> u16 {
    let line = response.lines().find_map(|line| line.strip_prefix("grpc-status: "));
    line.unwrap_or_else(|| panic!("{response}")).parse().unwrap()
}
