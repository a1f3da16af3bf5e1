//! Untrusted text in a message.

use std::fmt::{self, Write as _};

/// Writes a text in quotation marks, with its control characters escaped. Unlike `{:?}` it has no tables of all of
/// Unicode, which add 10 KB to every component.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for letter in self.0.chars() {
            match letter {
                '"' | '\\' => {
                    f.write_char('\\')?;
                    f.write_char(letter)?;
                }
                // Characters that change the direction of a line, or are invisible.
                '\0'..='\u{1f}'
                | '\u{7f}'..='\u{9f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}' => write!(f, "\\u{{{:x}}}", u32::from(letter))?,
                letter => f.write_char(letter)?,
            }
        }
        f.write_char('"')
    }
}

/// Returns the first so many characters of a text.
pub(crate) fn first(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn texts() {
        for (text, shown) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("\u{1b}[2J\n", r#""\u{1b}[2J\u{a}""#),
            ("\u{202e}é", r#""\u{202e}é""#),
        ] {
            assert_eq!(Quoted(text).to_string(), shown);
        }
    }
}
