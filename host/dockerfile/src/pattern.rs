//! The patterns of `${x#y}`, `${x%y}` and `${x/y/z}`: `?` is one character, `*` any number of them.

use regex::Regex;

use crate::error::SubstitutionError;
use crate::lex::LENGTH;

/// Returns a value without what a pattern matches at its begin (`#`) or at its end (`%`): the shortest match, or, where the
/// pattern begins with the modifier again, the longest.
pub(crate) fn trim(value: &str, modifier: char, pattern: &str) -> Result<String, SubstitutionError> {
    let (greedy, pattern) = match pattern.strip_prefix(modifier) {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let items = items(pattern)?;
    // The shortest match at the end is found from the end: everything is turned round.
    let turned = modifier == '%';
    let turn = |text: &str| if turned { text.chars().rev().collect() } else { text.to_owned() };
    let items = if turned { items.into_iter().rev().collect() } else { items };
    let value = turn(value);
    let expression = expression(&items, greedy, true, pattern)?;
    let rest = expression.find(&value).map_or(value.as_str(), |found| &value[found.end()..]);
    Ok(turn(rest))
}

/// Returns a value in which the first match of a pattern, or every one, is replaced.
pub(crate) fn replace(value: &str, pattern: &str, by: &str, all: bool) -> Result<String, SubstitutionError> {
    let expression = expression(&items(pattern)?, true, false, pattern)?;
    let mut result = String::new();
    let mut end = 0;
    for found in expression.find_iter(value).take(if all { usize::MAX } else { 1 }) {
        result.push_str(&value[end..found.start()]);
        result.push_str(by);
        end = found.end();
        if result.len() > LENGTH {
            return Err(SubstitutionError::TooLong { limit: LENGTH });
        }
    }
    result.push_str(&value[end..]);
    Ok(result)
}

enum Item {
    One,
    Any,
    Literal(char),
}

fn items(pattern: &str) -> Result<Vec<Item>, SubstitutionError> {
    let mut items = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        items.push(match character {
            '?' => Item::One,
            '*' => Item::Any,
            '\\' => match characters.next() {
                Some(next @ ('*' | '?' | '\\' | '}' | '/')) => Item::Literal(next),
                _ => return Err(SubstitutionError::Pattern(pattern.to_owned())),
            },
            other => Item::Literal(other),
        });
    }
    Ok(items)
}

fn expression(items: &[Item], greedy: bool, anchored: bool, pattern: &str) -> Result<Regex, SubstitutionError> {
    let mut text = String::from(if anchored { "^" } else { "" });
    for item in items {
        match item {
            Item::One => text.push('.'),
            Item::Any => text.push_str(if greedy { ".*" } else { ".*?" }),
            Item::Literal(character) => text.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&text).map_err(|_| SubstitutionError::Pattern(pattern.to_owned()))
}
