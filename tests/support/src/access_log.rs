//! The access log of a real registry, in the "combined" form that both of them write.

use std::fmt;

use regex::Regex;

/// A request as a registry's own access log has it.
///
/// Its `Display` is `METHOD TARGET STATUS`, as in `GET /v2/app/manifests/latest 200`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The method.
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// The status.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes_sent: u64,
    /// The client's `User-Agent`.
    pub user_agent: String,
}

impl Logged {
    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Display for Logged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, self.status)
    }
}

/// `ADDRESS IDENTITY USER [TIME] "METHOD TARGET HTTP/1.1" STATUS BYTES "REFERER" "USER-AGENT"`.
const COMBINED: &str = concat!(
    r#"^\S+ \S+ .* \[[^\]]*\] "([A-Z]+) (\S+) HTTP/[0-9.]+" ([0-9]{3}) ([0-9]+|-)"#,
    r#" "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)"$"#,
);

/// Returns the requests of a log; lines that are no requests are passed over, and so is a last line without an end.
pub(crate) fn parse(log: &str) -> Vec<Logged> {
    let line = Regex::new(COMBINED).expect("the pattern is one");
    log.split_inclusive('\n')
        .filter_map(|text| {
            let found = line.captures(text.strip_suffix('\n')?)?;
            Some(Logged {
                method: found[1].to_owned(),
                target: found[2].to_owned(),
                status: found[3].parse().ok()?,
                bytes_sent: found[4].parse().unwrap_or(0),
                user_agent: found[5].to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn requests_are_read_and_other_lines_passed_over() {
        let log = concat!(
            "time=\"2026-11-24T04:00:00Z\" level=info msg=\"listening on 127.0.0.1:5000\"\n",
            "127.0.0.1 - - [24/Nov/2026:04:00:00 +0000] ",
            "\"GET /v2/app/tags/list?n=2 HTTP/1.1\" 200 31 \"\" \"curl \\\"8\\\"\"\n",
            "127.0.0.1 - user [24/Nov/2026:04:00:01 +0000] \"HEAD /v2/app/manifests/1 HTTP/1.1\" 404 - \"\" \"\"\n",
            "127.0.0.1 - - [24/Nov/2026:04:00:01 +0000] \"GET /v2/half HTTP/1.1\" 200 2",
        );
        let lines: Vec<String> = parse(log).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["GET /v2/app/tags/list?n=2 200", "HEAD /v2/app/manifests/1 404"]);
    }
}
