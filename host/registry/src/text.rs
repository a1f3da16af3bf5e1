//! Text from servers and users, as errors show it.

/// The most characters of such a text in an error.
const SHOWN: usize = 300;

/// Returns a server's text, shortened, with `?` in place of control characters.
pub(crate) fn printable(text: &str) -> String {
    printable_up_to(text, SHOWN)
}

/// Returns a server's text of at most so many characters, with `?` in place of control characters.
pub(crate) fn printable_up_to(text: &str, shown: usize) -> String {
    let clean = |c: char| {
        if c.is_control() || matches!(c, '\u{200e}'..='\u{202e}' | '\u{2066}'..='\u{2069}') { '?' } else { c }
    };
    let mut short: String = text.chars().take(shown).map(clean).collect();
    if text.chars().nth(shown).is_some() {
        short.push('…');
    }
    short
}
