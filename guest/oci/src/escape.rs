//! Escapes untrusted text for terminals and logs.

use std::fmt::{self, Write};

/// A text whose control characters are escaped, so that it can neither move a terminal's cursor, nor add a line, nor
/// reverse the direction of the text. Escaping an escaped text changes nothing.
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Filter { to: f, write: shown }, "{}", self.0)
    }
}

/// JSON without control characters of terminals, and with the same values. JSON itself escapes the control characters
/// below U+0020, and has none but the line feed outside of strings.
pub struct EscapedJson<'a>(pub &'a str);

impl fmt::Display for EscapedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Filter { to: f, write: json }, "{}", self.0)
    }
}

/// The lines of an untrusted document: like [`Escaped`], but line feeds and tabs stay.
pub struct EscapedLines<T>(pub T);

impl<T: fmt::Display> fmt::Display for EscapedLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Filter { to: f, write: lines }, "{}", self.0)
    }
}

struct Filter<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    write: fn(&mut fmt::Formatter<'_>, char) -> fmt::Result,
}

impl fmt::Write for Filter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| (self.write)(self.to, character))
    }
}

fn shown(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        _ if is_obeyed(character) => write!(f, "{}", character.escape_unicode()),
        _ => f.write_char(character),
    }
}

fn lines(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    if matches!(character, '\n' | '\t') { f.write_char(character) } else { shown(f, character) }
}

fn json(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    if character == '\n' || !is_obeyed(character) {
        return f.write_char(character);
    }
    let mut units = [0; 2];
    character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))
}

/// Returns whether a terminal may act on a character instead of showing it: C0, DEL and C1, and Unicode's own line
/// ends, marks of direction, invisible characters and tags.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        let rows = [
            ("plain text, ümläut, 日本, 🦀", "plain text, ümläut, 日本, 🦀"),
            ("back\\slash", "back\\slash"),
            ("two\nlines\r\n\ttab", "two\\nlines\\r\\n\\ttab"),
            ("\x1b[2J\x07", "\\u{1b}[2J\\u{7}"),
            ("\u{9b}31m\x7f", "\\u{9b}31m\\u{7f}"),
            ("a\u{202e}b\u{2066}c\u{200b}", "a\\u{202e}b\\u{2066}c\\u{200b}"),
            ("\u{2028}\u{feff}\u{e0041}", "\\u{2028}\\u{feff}\\u{e0041}"),
            ("", ""),
        ];
        for (text, shown) in rows {
            assert_eq!(Escaped(text).to_string(), shown);
            assert_eq!(Escaped(shown).to_string(), shown);
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(EscapedLines("{\n\t\"a\": \"\x1b\u{9b}\"\r\n}").to_string(), "{\n\t\"a\": \"\\u{1b}\\u{9b}\"\\r\n}");
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{202e}\x7f", "\x1b", "\u{e0041}", "ü\n"] });
        let text = EscapedJson(&serde_json::to_string_pretty(&value).unwrap()).to_string();
        assert!(text.chars().all(|character| character == '\n' || !is_obeyed(character)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
