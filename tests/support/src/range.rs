//! Parts of a blob: RFC 9110, section 14, as far as clients use it.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};

use crate::distribution::{plain, with};

/// Returns the answer with the part of the body that a GET asks for: 206, or 416 where there is no such part. What is
/// no single range of bytes is passed over, as is one of another content (`If-Range`).
pub(crate) fn part(request: &Parts, answer: Response<Bytes>) -> Response<Bytes> {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let answer = with(answer, &[("accept-ranges", "bytes")]);
    let etag = answer.headers().get("etag").and_then(|value| value.to_str().ok());
    if request.method != Method::GET || text("if-range").is_some_and(|wanted| Some(wanted) != etag) {
        return answer;
    }
    if answer.status() != StatusCode::OK {
        return answer;
    }
    let length = answer.body().len();
    let Some((first, last)) = text("range").and_then(|range| bounds(range, length)) else { return answer };
    if first > last {
        return with(plain(StatusCode::RANGE_NOT_SATISFIABLE), &[("content-range", &format!("bytes */{length}"))]);
    }
    let (head, body) = answer.into_parts();
    let mut part = Response::from_parts(head, body.slice(first..=last));
    *part.status_mut() = StatusCode::PARTIAL_CONTENT;
    with(part, &[("content-range", &format!("bytes {first}-{last}/{length}"))])
}

/// Returns the first and the last byte of a single range, the first behind the last where the content has neither.
fn bounds(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.wrapping_sub(1);
    let nothing = (1, 0);
    if first.is_empty() {
        let wanted: usize = last.parse().ok()?;
        return Some(if wanted == 0 || length == 0 { nothing } else { (length.saturating_sub(wanted), end) });
    }
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok().filter(|last| *last >= first)? };
    Some(if first >= length { nothing } else { (first, last.min(end)) })
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn single_ranges_have_bounds() {
        let rows = [
            ("bytes=0-", 10, Some((0, 9))),
            ("bytes=4-", 10, Some((4, 9))),
            ("bytes=4-6", 10, Some((4, 6))),
            ("bytes=4-99", 10, Some((4, 9))),
            ("bytes=-3", 10, Some((7, 9))),
            ("bytes=-99", 10, Some((0, 9))),
            ("bytes=10-", 10, Some((1, 0))),
            ("bytes=-0", 10, Some((1, 0))),
            ("bytes=0-", 0, Some((1, 0))),
            ("bytes=6-4", 10, None),
            ("bytes=1-2,4-5", 10, None),
            ("bytes=x-", 10, None),
            ("lines=0-", 10, None),
            ("", 10, None),
        ];
        for (range, length, expected) in rows {
            assert_eq!(bounds(range, length), expected, "{range} of {length}");
        }
    }
}
