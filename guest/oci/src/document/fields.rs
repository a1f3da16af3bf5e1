//! The members of an object.

use super::DocumentError;
use super::error::malformed;
use super::json::{Text, Value, check_once, in_order, unexpected};
use crate::quoted::Quoted;

/// An object with known members.
pub(super) struct Fields<'v, 'a> {
    members: &'v [(Text<'a>, Value<'a>)],
}

impl<'v, 'a> Fields<'v, 'a> {
    /// Returns the members of an object. It refuses a member that differs from a known one only in the case of its
    /// letters, because some readers equate the two.
    pub(super) fn of(name: &str, value: &'v Value<'a>, known: &[&str]) -> Result<Self, DocumentError> {
        let Value::Object(members) = value else { return Err(unexpected(name, "an object", value)) };
        check_once(members)?;
        for (member, _) in members {
            if known.iter().any(|known| *known == member.0) {
                continue;
            }
            if let Some(known) = known.iter().find(|known| same_letters(known, &member.0)) {
                return Err(malformed(format_args!("the member {} is `{known}` in other letters", Quoted(&member.0))));
            }
        }
        Ok(Self { members })
    }

    /// Returns a member; `null` counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&'v Value<'a>> {
        let mut found = self.members.iter().filter(|(member, _)| member.0 == name);
        found.next().map(|(_, value)| value).filter(|value| !matches!(value, Value::Null))
    }

    /// Returns whether a member is present, even as `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member.0 == name)
    }

    /// Returns a text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'v str>, DocumentError> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    /// Returns a text that is present and not empty.
    pub(super) fn some_text(&self, name: &str) -> Result<Option<String>, DocumentError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// Returns a mandatory text.
    pub(super) fn required(&self, name: &str) -> Result<&'v str, DocumentError> {
        self.text(name)?.ok_or_else(|| malformed(format_args!("it has no member `{name}`")))
    }

    /// Returns a non-negative number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, DocumentError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Unsigned(number)) => Ok(Some(*number)),
            Some(value) => Err(unexpected(name, "a whole number from 0 on", value)),
        }
    }

    /// Returns a list.
    pub(super) fn list(&self, name: &str) -> Result<Option<&'v [Value<'a>]>, DocumentError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::List(list)) => Ok(Some(list)),
            Some(value) => Err(unexpected(name, "a list", value)),
        }
    }

    /// Returns a list of texts; an absent one is empty.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, DocumentError> {
        let list = self.list(name)?.unwrap_or_default();
        list.iter().map(|value| text(name, value).map(str::to_owned)).collect()
    }

    /// Returns an object of texts, sorted by their names.
    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, DocumentError> {
        self.sorted(name, |member, value| text(member, value))
    }

    /// Returns an object of texts, sorted by their names; `null` counts as an empty text.
    pub(super) fn pairs_or_nothing(&self, name: &str) -> Result<Vec<(String, String)>, DocumentError> {
        self.sorted(name, |member, value| if matches!(value, Value::Null) { Ok("") } else { text(member, value) })
    }

    fn sorted(
        &self,
        name: &str,
        read: fn(&str, &'v Value<'a>) -> Result<&'v str, DocumentError>,
    ) -> Result<Vec<(String, String)>, DocumentError> {
        let members = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Object(members)) => members,
            Some(value) => return Err(unexpected(name, "an object", value)),
        };
        let mut pairs = Vec::with_capacity(members.len());
        for place in in_order(members)? {
            let (member, value) = &members[place];
            pairs.push((member.0.clone().into_owned(), read(&member.0, value)?.to_owned()));
        }
        Ok(pairs)
    }
}

fn text<'v>(name: &str, value: &'v Value<'_>) -> Result<&'v str, DocumentError> {
    match value {
        Value::Text(text) => Ok(&text.0),
        value => Err(unexpected(name, "a text", value)),
    }
}

/// Compares names of members as Go does: case is ignored, also for the two letters outside ASCII whose other case is
/// in ASCII.
fn same_letters(known: &str, name: &str) -> bool {
    let fold = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    };
    known.chars().map(fold).eq(name.chars().map(fold))
}
