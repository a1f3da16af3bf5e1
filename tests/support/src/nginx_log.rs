//! The access log of an nginx: a JSON object a line.

use std::fmt;

use anyhow::Context as _;
use serde::Deserialize;

use crate::nginx_config::OWN_LINE;

/// A line of the log, in nginx's own variables.
pub(crate) const FORMAT: &str = concat!(
    r#"{"method":"$request_method","target":"$request_uri","status":$status,"protocol":"$server_protocol","#,
    r#""authorized":$authorized,"range":"$http_range","bytes_sent":$body_bytes_sent,"#,
    r#""client":"$ssl_client_s_dn","connection":$connection}"#,
);

/// A request as an nginx answered it.
///
/// Its `Display` is `METHOD TARGET STATUS`, as in `GET /v2/app/manifests/latest 200`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Served {
    /// The method.
    pub method: String,
    /// The path and the query, exactly as they came.
    pub target: String,
    /// The status.
    pub status: u16,
    /// The version of HTTP: `HTTP/1.1` or `HTTP/2.0`.
    pub protocol: String,
    /// Whether `Authorization` came along.
    pub authorized: bool,
    /// The value of `Range`, empty where none came.
    pub range: String,
    /// Bytes of the answer's body.
    pub bytes_sent: u64,
    /// The subject of the client's certificate, as in `CN=client`; empty where none was shown.
    pub client: String,
    /// The number of the connection: equal for requests that shared one.
    pub connection: u64,
}

impl Served {
    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, self.status)
    }
}

/// Returns the requests of a log, without those of the value that reads it.
pub(crate) fn parse(log: &str) -> anyhow::Result<Vec<Served>> {
    let lines = log.lines().filter(|line| *line != OWN_LINE);
    lines.map(|line| serde_json::from_str(line).with_context(|| format!("a line of nginx's log: {line}"))).collect()
}
