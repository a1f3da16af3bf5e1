//! Patterns over method and path, as rules and counts use them.

/// `METHOD PATH`, in which `*` stands for any characters (none and `/` among them), as in `GET */manifests/*`. A
/// pattern with a `?` is held against path and query, any other against the path alone.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(String);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn matches(&self, method: &str, target: &str) -> bool {
        let target = if self.0.contains('?') { target } else { target.split('?').next().unwrap_or_default() };
        glob(&self.0, &format!("{method} {target}"))
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let tail = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_whole_requests() {
        let rows = [
            ("GET /v2/app/manifests/latest", "GET", "/v2/app/manifests/latest", true),
            ("GET /v2/app/manifests/latest", "HEAD", "/v2/app/manifests/latest", false),
            ("GET /v2/app/manifests/latest", "GET", "/v2/app/manifests/latest2", false),
            ("* */manifests/*", "HEAD", "/v2/a/b/manifests/latest", true),
            ("GET */manifests/*", "GET", "/v2/a/blobs/sha256:00", false),
            ("GET */tags/list", "GET", "/v2/a/tags/list?n=2", true),
            ("GET */tags/list?n=2", "GET", "/v2/a/tags/list?n=2", true),
            ("GET */tags/list?n=2", "GET", "/v2/a/tags/list", false),
            ("GET *aa*a", "GET", "/aa", false),
            ("GET *aa*a", "GET", "/aaa", true),
            ("*", "GET", "/", true),
        ];
        for (pattern, method, target, expected) in rows {
            assert_eq!(Pattern::new(pattern).matches(method, target), expected, "{pattern}: {method} {target}");
        }
    }
}
