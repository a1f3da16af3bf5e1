//! Filters that make a command's output the same on every machine and at every run, for comparing it with a snapshot.

use regex::Regex;

/// A pattern (syntax of the `regex` crate) and what stands in its place (`$1` is the first group).
pub type Filter = (&'static str, &'static str);

/// Loopback addresses with a port.
pub const PORTS: &[Filter] = &[(r"(\b127\.0\.0\.1|\blocalhost|\[::1\]):[0-9]{2,5}\b", "$1:[PORT]")];

/// Durations, as in `12.3 ms`, `450µs` and `2 s`.
pub const DURATIONS: &[Filter] = &[(r"\b[0-9]+(\.[0-9]+)?( ?)(ns|µs|μs|us|ms|s)\b", "[TIME]")];

/// Paths of temporary directories, as far as the directory itself.
pub const TEMPORARY: &[Filter] = &[(r"(/private)?(/var/folders/[^/\s]+/[^/\s]+/T|/var/tmp|/tmp)/[^/\s:@]+", "[TEMP]")];

/// Digests, where a snapshot is not about them.
pub const DIGESTS: &[Filter] = &[
    (r"\bsha256:[0-9a-f]{64}\b", "sha256:[DIGEST]"),
    (r"\bsha384:[0-9a-f]{96}\b", "sha384:[DIGEST]"),
    (r"\bsha512:[0-9a-f]{128}\b", "sha512:[DIGEST]"),
];

/// Returns the text with the filters applied, one after the other.
///
/// ```
/// use refkit_support::filters::{DURATIONS, PORTS, filtered};
///
/// let text = filtered("127.0.0.1:40123 answered in 1.5 ms", &[PORTS, DURATIONS].concat());
/// assert_eq!(text, "127.0.0.1:[PORT] answered in [TIME]");
/// ```
///
/// # Panics
/// Where a pattern is none.
pub fn filtered(text: &str, filters: &[(&str, &str)]) -> String {
    filters.iter().fold(text.to_owned(), |text, (pattern, replacement)| {
        let pattern = Regex::new(pattern).unwrap_or_else(|problem| panic!("{problem}"));
        pattern.replace_all(&text, *replacement).into_owned()
    })
}

/// Returns the text with ports, durations and temporary paths filtered; digests stay.
pub fn usual(text: &str) -> String {
    filtered(text, &[PORTS, TEMPORARY, DURATIONS].concat())
}
