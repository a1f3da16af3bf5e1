//! Quoted parts of a text.

use super::{Escapes, LENGTH, Lexer};
use crate::error::SubstitutionError;

impl Lexer<'_> {
    pub(super) fn single_quote(&mut self, escapes: Escapes) -> Result<String, SubstitutionError> {
        self.characters.next();
        let mut result = String::from(if self.raw_quotes { "'" } else { "" });
        loop {
            match self.characters.next().ok_or(SubstitutionError::Open('\''))? {
                '\'' => break,
                character => {
                    if character == self.escape && escapes == Escapes::Pattern {
                        result.push(character);
                    }
                    result.push(character);
                }
            }
        }
        result.push_str(if self.raw_quotes { "'" } else { "" });
        Ok(result)
    }

    pub(super) fn double_quote(&mut self, escapes: Escapes, depth: usize) -> Result<String, SubstitutionError> {
        self.characters.next();
        let mut result = String::from(if self.raw_quotes { "\"" } else { "" });
        loop {
            if result.len() > LENGTH {
                return Err(SubstitutionError::TooLong { limit: LENGTH });
            }
            let &character = self.characters.peek().ok_or(SubstitutionError::Open('"'))?;
            if character == '$' {
                result.push_str(&self.dollar(depth)?);
                continue;
            }
            self.characters.next();
            match character {
                '"' => break,
                _ if character == self.escape => {
                    let escaped = |next: &char| matches!(next, '"' | '$') || *next == character;
                    let Some(&next) = self.characters.peek() else { continue };
                    let kept = escapes != Escapes::Apply;
                    if escaped(&next) {
                        self.characters.next();
                        result.extend(kept.then_some(character).into_iter().chain([next]));
                    } else {
                        let doubled = kept && (!self.raw_quotes || escapes == Escapes::Pattern);
                        result.extend(doubled.then_some(character).into_iter().chain([character]));
                    }
                }
                other => result.push(other),
            }
        }
        result.push_str(if self.raw_quotes { "\"" } else { "" });
        Ok(result)
    }
}
