//! The message in the body of a refusal.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::text::printable_up_to;

/// The most characters of a message about a push: 1000. Some registries explain at length what is wrong with a manifest.
const SHOWN: usize = 1000;

/// The members of an error's detail that say what is wrong, as quay and zot name them.
const REASONS: [&str; 2] = ["message", "reason"];

/// A member of zot's detail that explains the code in general.
const GENERAL: &str = "description";

/// Returns the errors in a registry's error body.
pub(super) fn errors(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["errors"].as_array().cloned().unwrap_or_default()
}

/// Returns the codes of the errors in a registry's error body.
pub(crate) fn codes(body: &[u8]) -> Vec<String> {
    errors(body).iter().filter_map(|one| one["code"].as_str().map(str::to_owned)).collect()
}

/// Returns the message about a refused push: that of the registry's errors, with their details, or a body in another form.
/// Quay's messages have several lines; they become one.
pub(super) fn long_message(errors: &[Value], headers: &HeaderMap, body: &[u8]) -> String {
    let said = message(errors, true);
    let said = if said.is_empty() { other_message(headers, body) } else { said };
    printable_up_to(&said.split_whitespace().collect::<Vec<_>>().join(" "), SHOWN)
}

/// Returns the message of a body that is not of the form of OCI distribution: a text, or a member of a JSON object. A page
/// for browsers has none.
fn other_message(headers: &HeaderMap, body: &[u8]) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(body) else { return String::new() };
    if let Ok(Value::Object(members)) = serde_json::from_str(text) {
        let said = ["message", "error", "detail"].into_iter().find_map(|name| members.get(name)?.as_str());
        return said.unwrap_or_default().to_owned();
    }
    if kind.starts_with("text/plain") { text.to_owned() } else { String::new() }
}

/// Returns the message of a registry's errors.
pub(super) fn message(errors: &[Value], details: bool) -> String {
    // The code should be a word; some registries write a number, or no code.
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let said = errors.iter().map(|one| {
        let detail = if details { detail(&one["detail"]) } else { String::new() };
        let parts = [text(&one["code"]), text(&one["message"]), detail];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    });
    said.filter(|one| !one.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Returns the detail of an error, which may be any JSON value. Of an object, the reason comes first.
fn detail(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let reasons = REASONS.into_iter().filter_map(|name| members.get(name)?.as_str().map(str::to_owned));
            let mut parts: Vec<String> = reasons.collect();
            let said = |name: &str| name == GENERAL || REASONS.contains(&name) && members[name].is_string();
            let others: serde_json::Map<_, _> = members
                .iter()
                .filter(|(name, _)| !said(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if !others.is_empty() {
                parts.push(Value::Object(others).to_string());
            }
            parts.join(", ")
        }
        Value::Array(items) if items.is_empty() => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_own_words() {
        for (body, wanted) in [
            (r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#, "DENIED, not you"),
            (r#"{"errors":[{"code":"DENIED"},{"message":"not you"}]}"#, "DENIED; not you"),
            (r#"{"errors":[{"code":429,"message":"pull less","detail":{"a":[]}}]}"#, "429, pull less"),
            (r#"{"errors":[{"code":null,"message":"pull less"}]}"#, "pull less"),
            (r#"{"errors":[{"code":"","message":""},null,1]}"#, ""),
            (r#"{"errors":"no"}"#, ""),
            (r#"{"errors":[]}"#, ""),
            ("[]", ""),
            ("<html>", ""),
            ("", ""),
        ] {
            assert_eq!(message(&errors(body.as_bytes()), false), wanted, "{body}");
        }
    }

    #[test]
    fn messages_of_other_forms() {
        for (kind, body, wanted) in [
            ("text/plain; charset=utf-8", "quota\n exceeded\n", "quota exceeded"),
            ("text/html", "<html>quota", ""),
            ("", "quota", ""),
            ("application/json", r#"{"detail":"quota"}"#, "quota"),
            ("text/plain", r#"{"errors":[{"code":"DENIED"}]}"#, "DENIED"),
            ("text/plain", "a\u{1b}[31mb", "a?[31mb"),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().expect("a value"))]);
            assert_eq!(long_message(&errors(body.as_bytes()), &headers, body.as_bytes()), wanted, "{kind}: {body}");
        }
    }
}
