//! BuildKit's wildcards (`util/wildcard`): `*` is the regular expression `(.*)`.

/// Returns the text that each `*` of a pattern matches, where the first ones match as much as possible. The inner [`None`]
/// is a text that does not match, the outer one a pattern with `**`, which BuildKit refuses.
pub(super) fn captures<'a>(pattern: &str, text: &'a str) -> Option<Option<Vec<&'a str>>> {
    if pattern.contains("**") {
        return None;
    }
    Some(find(pattern, text))
}

fn find<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let Some((first, rest)) = pattern.split_once('*') else {
        return (pattern == text).then(Vec::new);
    };
    let mut rest: Vec<&str> = rest.split('*').collect();
    let last = rest.pop().unwrap_or_default();
    let mut text = text.strip_prefix(first)?.strip_suffix(last)?;
    // From the end, each part at its last position, so that the text before it is as long as possible.
    let mut captures = Vec::with_capacity(rest.len() + 1);
    for part in rest.into_iter().rev() {
        let place = text.rfind(part)?;
        captures.push(&text[place + part.len()..]);
        text = &text[..place];
    }
    captures.push(text);
    captures.reverse();
    // In Go, `.` does not match a line feed.
    captures.iter().all(|capture| !capture.contains('\n')).then_some(captures)
}

/// Returns a text with `$1`, `${1}` and so on replaced, as Go's `Regexp.Expand` does: `$0` is the whole match, a name is
/// the longest run of letters, digits and `_`, an unknown name is empty, and `$$` is `$`.
pub(super) fn expand(format: &str, all: &str, captures: &[&str]) -> String {
    let mut expanded = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = name(after) {
            // Go takes a name with a leading zero for no number.
            let number = name.parse::<usize>().ok().filter(|_| name == "0" || !name.starts_with('0'));
            let value = match number {
                Some(0) => Some(all),
                Some(number) => captures.get(number - 1).copied(),
                None => None,
            };
            expanded.push_str(value.unwrap_or_default());
            rest = after;
        } else {
            expanded.push('$');
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}

/// Splits the name after a `$` from a text. Returns `None` where there is no name.
fn name(text: &str) -> Option<(&str, &str)> {
    let (inner, braced) = match text.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let end = inner.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(inner.len());
    let (name, after) = inner.split_at(end);
    let after = if braced { after.strip_prefix('}')? } else { after };
    (!name.is_empty()).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::{captures, expand};

    #[test]
    fn patterns() {
        let table: &[(&str, &str, Option<&[&str]>)] = &[
            ("*", "", Some(&[""])),
            ("*", "docker-image://a/b:c@d", Some(&["docker-image://a/b:c@d"])),
            ("a", "a", Some(&[])),
            ("a", "ab", None),
            ("a*", "ab", Some(&["b"])),
            ("a*b", "ab", Some(&[""])),
            ("aba*aba", "aba", None),
            ("a*a*a", "aaaa", Some(&["a", ""])),
            ("*/*:*", "a/b/c:d:e", Some(&["a/b", "c:d", "e"])),
            ("docker-image*", "docker-image+blob://a@b", Some(&["+blob://a@b"])),
            ("docker-image://*", "docker-image+blob://a@b", None),
            ("a.c*", "abcd", None),
            ("a*", "a\nb", None),
            ("a\n*", "a\nb", Some(&["b"])),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(captures(pattern, text).unwrap().as_deref(), *expected, "{pattern} {text}");
        }
        assert_eq!(captures("a**", "ab"), None);
    }

    #[test]
    fn expansions() {
        for (format, expected) in [
            ("x", "x"),
            ("$1", "one"),
            ("${1}-alpine", "one-alpine"),
            ("$1-$2$3", "one-two"),
            ("$1x", ""),
            ("$0", "all"),
            ("$$1", "$1"),
            ("$", "$"),
            ("a$/b", "a$/b"),
            ("${1", "${1"),
            ("${}", "${}"),
            ("${name}", ""),
            ("$01", ""),
        ] {
            assert_eq!(expand(format, "all", &["one", "two"]), expected, "{format}");
        }
    }
}
