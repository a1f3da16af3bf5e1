//! HTML pages in place of a response: a login page, a page that says a service is down, or a web application.

use refkit_content::ErrorKind;

/// How many bytes of a body are examined.
const LOOKED_AT: usize = 1024;

/// Returns whether a body is HTML, by its media type or by how it begins.
pub(super) fn is_html(media_type: Option<&str>, bytes: &[u8]) -> bool {
    if media_type.is_some_and(|came| came.starts_with("text/html") || came.starts_with("application/xhtml")) {
        return true;
    }
    let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]).to_ascii_lowercase();
    let begin = begin.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| begin.starts_with(tag))
}

/// Returns the error for an HTML page in place of the expected content.
pub(super) fn instead_of(what: &str) -> ErrorKind {
    ErrorKind::Malformed(format!(
        "it answers with an HTML page instead of {what}: a login, or a server that is no registry"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_page() {
        for (media_type, body, wanted) in [
            (Some("text/html"), "", true),
            (Some("application/xhtml+xml"), "", true),
            (Some("application/json"), "\u{feff}\n <!DOCTYPE html>", true),
            (None, "<HTML lang=en>", true),
            (None, "{\"html\":\"<html>\"}", false),
            (Some("text/plain"), "please log in", false),
            (None, "", false),
        ] {
            assert_eq!(is_html(media_type, body.as_bytes()), wanted, "{media_type:?} {body:?}");
        }
    }
}
