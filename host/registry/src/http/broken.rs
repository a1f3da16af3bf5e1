//! Errors for failed connections and broken bodies.

use std::time::Duration;

use refkit_content::ErrorKind;
use url::Url;

use super::{names, tls};
use crate::text::printable;

/// Returns the error for a connection to a URL's host that failed, maybe through a proxy, or for a body that broke.
pub(crate) fn error(error: &reqwest::Error, connect: Duration, url: &Url, proxy: Option<String>) -> ErrorKind {
    let no_connection = |why: String| match &proxy {
        Some(proxy) => ErrorKind::Detour { said: format!("no connection through the proxy {proxy}{why}"), proxy: true },
        None => ErrorKind::Unreachable(format!("no connection{why}")),
    };
    if error.is_timeout() && error.is_connect() {
        return no_connection(format!(" within {} s", connect.as_secs_f32()));
    }
    // The innermost cause has the telling message: "connection refused", "invalid peer certificate".
    let mut cause: &dyn std::error::Error = error;
    loop {
        if let Some(problem) = tls::refused(cause, url).or_else(|| names::refused(cause)) {
            return problem;
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>().filter(|error| error.is_parse()) {
            return malformed(error, url);
        }
        match std::error::Error::source(cause) {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    let why = format!(": {}", printable(&cause.to_string()));
    if error.is_connect() { no_connection(why) } else { ErrorKind::Unreachable(format!("the connection broke{why}")) }
}

/// hyper's message for a response that does not begin as HTTP does. Only the message distinguishes that error.
const NO_HTTP: &str = "invalid HTTP version parsed";

/// Returns the error for a response that is not HTTP. A server that speaks TLS answers plain HTTP with an alert, which
/// does not begin as HTTP does. A head that is too long or has an invalid header is the server's own fault.
fn malformed(error: &hyper::Error, url: &Url) -> ErrorKind {
    let what = error.to_string();
    if url.scheme() == "http" && what == NO_HTTP {
        return ErrorKind::Protocol { tls: true };
    }
    ErrorKind::Malformed(format!("its response is not HTTP: {}", printable(&what)))
}
