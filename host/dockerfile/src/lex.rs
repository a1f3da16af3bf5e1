//! Words with quotes, escape characters and variables, by the rules of the Dockerfile reference ("Environment
//! replacement"): `$x`, `${x}`, `${x:-y}`, `${x-y}`, `${x:+y}`, `${x+y}`, `${x:?y}`, `${x?y}`, `${x#y}`, `${x##y}`,
//! `${x%y}`, `${x%%y}`, `${x/y/z}`, `${x//y/z}`.

mod quote;
#[cfg(test)]
mod tests;
mod variable;
mod words;

use std::iter::Peekable;
use std::str::Chars;

use crate::error::SubstitutionError;
use words::Words;

/// The most bytes of a result: BuildKit reads no longer line.
pub(crate) const LENGTH: usize = 64 << 10;

/// The deepest nesting of substitutions. Dockerfiles in use nest at most three.
const DEPTH: usize = 32;

/// Returns the value of a variable, if it has one.
pub(crate) type Values<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns a text without quotes and escape characters, and with its variables replaced.
pub(crate) fn replace(text: &str, escape: char, values: Values<'_>) -> Result<String, SubstitutionError> {
    let mut lexer = Lexer { escape, raw_quotes: false, keep_unset: false, ..Lexer::new(text, values) };
    lexer.until(None, Escapes::Apply, 0)
}

/// Returns the words of a shell's line, with their quotes and escape characters if `raw` says so.
pub(crate) fn words(text: &str, raw: bool) -> Result<Vec<String>, SubstitutionError> {
    let mut lexer = Lexer { raw_quotes: raw, ..Lexer::new(text, &|_| None) };
    lexer.until(None, if raw { Escapes::Keep } else { Escapes::Apply }, 0)?;
    Ok(lexer.words.end())
}

/// How the reader treats escape characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// They are taken away.
    Apply,
    /// They stay.
    Keep,
    /// The reader keeps them for the pattern, and doubles those in quotes.
    Pattern,
}

struct Lexer<'a> {
    characters: Peekable<Chars<'a>>,
    values: Values<'a>,
    escape: char,
    raw_quotes: bool,
    /// Whether a variable without a value stays as it is written.
    keep_unset: bool,
    words: Words,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, values: Values<'a>) -> Self {
        let (characters, words) = (text.chars().peekable(), Words::default());
        Self { characters, values, escape: '\\', raw_quotes: false, keep_unset: true, words }
    }

    /// Reads up to a character, or up to the end.
    fn until(&mut self, stop: Option<char>, escapes: Escapes, depth: usize) -> Result<String, SubstitutionError> {
        if depth > DEPTH {
            return Err(SubstitutionError::TooDeep { limit: DEPTH });
        }
        let mut result = String::new();
        while let Some(&character) = self.characters.peek() {
            if result.len() > LENGTH {
                return Err(SubstitutionError::TooLong { limit: LENGTH });
            }
            if stop == Some(character) {
                self.characters.next();
                return Ok(result);
            }
            let outer = depth == 0;
            match character {
                '\'' | '"' => {
                    let quoted = match character {
                        '\'' => self.single_quote(escapes)?,
                        _ => self.double_quote(escapes, depth)?,
                    };
                    self.words.whole(&quoted, outer);
                    result.push_str(&quoted);
                }
                '$' => {
                    let value = self.dollar(depth)?;
                    self.words.split(&value, outer);
                    result.push_str(&value);
                }
                '<' => {
                    let text = self.less();
                    self.words.whole(&text, outer);
                    result.push_str(&text);
                }
                _ => self.plain(escapes, outer, &mut result),
            }
        }
        match stop {
            None if result.len() > LENGTH => Err(SubstitutionError::TooLong { limit: LENGTH }),
            None => Ok(result),
            Some(_) => Err(SubstitutionError::Open('{')),
        }
    }

    fn plain(&mut self, escapes: Escapes, outer: bool, result: &mut String) {
        let Some(character) = self.characters.next() else { return };
        if character != self.escape {
            self.words.add(character, outer);
            result.push(character);
            return;
        }
        let kept = (escapes != Escapes::Apply).then_some(character);
        let both = kept.into_iter().chain(self.characters.next());
        for character in both {
            self.words.whole(character.encode_utf8(&mut [0; 4]), outer);
            result.push(character);
        }
    }

    /// Reads `<`, or `<<` with the spaces after it: what a heredoc is called belongs to the same word.
    fn less(&mut self) -> String {
        self.characters.next();
        let mut text = String::from('<');
        if self.characters.next_if_eq(&'<').is_some() {
            text.push('<');
            while let Some(space) = self.characters.next_if(|next| matches!(next, '\t' | '\r' | ' ')) {
                text.push(space);
            }
        }
        text
    }
}
