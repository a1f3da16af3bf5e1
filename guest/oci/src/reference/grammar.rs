//! The grammar of the parts, as in distribution/reference. It is hand-written, because a regular expression engine
//! would be larger than all the policies that need it.

/// Returns whether the first component of a name is a registry: it has a dot or a colon, is `localhost`, or has an
/// upper-case letter, which no path may have.
pub(crate) fn names_registry(first: &str) -> bool {
    first == "localhost" || first.bytes().any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

/// Returns whether a text is `host[:port]`, with a name, an IPv4 address or an IPv6 address in brackets.
pub(crate) fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                let address = !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
                return address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
            }
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let label = |label: &str| {
        let bytes = label.as_bytes();
        alphanumeric(bytes.first())
            && alphanumeric(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    host.split('.').all(label) && port.is_none_or(is_port)
}

/// Returns whether a text is an image's id for Docker: 64 lower-case hexadecimal digits.
pub(crate) fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a text is a component: lower-case letters and digits, separated by `.`, `_`, `__` or any number of
/// `-`.
pub(crate) fn is_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(plain) || !bytes.last().is_some_and(plain) {
        return false;
    }
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|byte| !plain(byte)) {
        rest = &rest[start..];
        let length = rest.iter().position(plain).unwrap_or(rest.len());
        let (separator, after) = rest.split_at(length);
        if !(matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')) {
            return false;
        }
        rest = after;
    }
    true
}

/// Returns whether a text is a tag: a word character, then up to 127 word characters, dots and hyphens.
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    tag.len() <= 128
        && tag.as_bytes().first().is_some_and(word)
        && tag.as_bytes().iter().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}
