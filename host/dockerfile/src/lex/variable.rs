//! Variables, and what their modifiers make of them.

use super::{Escapes, Lexer};
use crate::error::SubstitutionError;
use crate::pattern;

impl Lexer<'_> {
    pub(super) fn dollar(&mut self, depth: usize) -> Result<String, SubstitutionError> {
        self.characters.next();
        if self.characters.next_if_eq(&'{').is_some() {
            return self.braces(depth + 1);
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        Ok(match (self.values)(&name) {
            None if self.keep_unset => format!("${name}"),
            value => value.unwrap_or_default(),
        })
    }

    /// Reads what follows `${`.
    fn braces(&mut self, depth: usize) -> Result<String, SubstitutionError> {
        match self.characters.peek() {
            None => return Err(SubstitutionError::Open('{')),
            Some('{' | '}' | ':') => return Err(SubstitutionError::NoName),
            Some(_) => {}
        }
        let name = self.name();
        let value = (self.values)(&name);
        let mut modifier = self.characters.next().ok_or(SubstitutionError::Open('{'))?;
        let mut modifiers = modifier.to_string();
        let mut null_is_unset = false;
        if modifier == ':' {
            null_is_unset = true;
            modifier = self.characters.next().ok_or(SubstitutionError::Open('{'))?;
            modifiers.push(modifier);
        }
        let kept = |rest: &str| format!("${{{name}{modifiers}{rest}}}");
        match modifier {
            '}' if !null_is_unset => Ok(match value {
                None if self.keep_unset => format!("${{{name}}}"),
                value => value.unwrap_or_default(),
            }),
            '#' | '%' if !null_is_unset => {
                let word = self.until(Some('}'), Escapes::Pattern, depth)?;
                match value {
                    None if self.keep_unset => Ok(kept(&word)),
                    value => pattern::trim(&value.unwrap_or_default(), modifier, &word),
                }
            }
            '-' | '+' | '?' => {
                let word = self.until(Some('}'), Escapes::Apply, depth)?;
                if value.is_none() && self.keep_unset {
                    return Ok(kept(&word));
                }
                let is_set = value.is_some();
                let value = value.filter(|value| !(null_is_unset && value.is_empty()));
                match (modifier, value) {
                    ('-', value) => Ok(value.unwrap_or(word)),
                    ('+', value) => Ok(value.map(|_| word).unwrap_or_default()),
                    (_, Some(value)) => Ok(value),
                    (_, None) => {
                        let default = if is_set { "it may not be empty" } else { "it needs a value" };
                        let message = if word.is_empty() { default.to_owned() } else { word };
                        Err(SubstitutionError::Required { name, message })
                    }
                }
            }
            '/' if !null_is_unset => {
                let all = self.characters.next_if_eq(&'/').is_some();
                let from = self.until(Some('/'), Escapes::Pattern, depth)?;
                let to = self.until(Some('}'), Escapes::Keep, depth)?;
                match value {
                    None if self.keep_unset => Ok(kept(&format!("{from}/{to}"))),
                    value => pattern::replace(&value.unwrap_or_default(), &from, &to, all),
                }
            }
            _ => Err(SubstitutionError::Modifier(modifiers)),
        }
    }

    /// Reads a name: letters, digits and `_`, or digits alone, or one special parameter of a shell.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let special = |next: &char| matches!(next, '@' | '*' | '#' | '?' | '-' | '$' | '!');
        match self.characters.peek() {
            Some(first) if first.is_numeric() => {
                while let Some(next) = self.characters.next_if(|next| next.is_numeric()) {
                    name.push(next);
                }
            }
            Some(first) if special(first) => name.extend(self.characters.next()),
            _ => {
                let part = |next: &char| next.is_alphabetic() || next.is_numeric() || *next == '_';
                while let Some(next) = self.characters.next_if(part) {
                    name.push(next);
                }
            }
        }
        name
    }
}
