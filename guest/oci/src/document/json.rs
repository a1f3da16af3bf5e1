//! JSON, in one reading only: a tree that borrows from the bytes, in which no object has a member twice. A tree and
//! not one derived reader for each type, because in a component every such reader is 10 KB of code.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::DocumentError;
use super::error::malformed;

/// Reads bytes that are one JSON value and nothing else.
pub(super) fn read(bytes: &[u8]) -> Result<Value<'_>, DocumentError> {
    serde_json::from_slice(bytes).map_err(malformed)
}

/// A value.
pub(super) enum Value<'a> {
    Null,
    Bool,
    Unsigned(u64),
    Negative(i64),
    Fraction,
    Text(Text<'a>),
    List(Vec<Value<'a>>),
    Object(Vec<(Text<'a>, Value<'a>)>),
}

/// A text, borrowed where no character of it is escaped.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Negative(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Fraction)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Value<'de>, S::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Value<'de>, M::Error> {
        let mut members: Vec<(Text<'de>, Value<'de>)> = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        match twice(&members) {
            None => Ok(Value::Object(members)),
            Some(name) => Err(M::Error::custom(format_args!("the member {name:?} is there twice"))),
        }
    }
}

/// Objects with more members than this are searched with the help of a set.
const FEW: usize = 16;

fn twice<'m>(members: &'m [(Text<'_>, Value<'_>)]) -> Option<&'m str> {
    if members.len() <= FEW {
        let mut places = members.iter().enumerate();
        let again = places.find(|(place, (name, _))| members[..*place].iter().any(|(known, _)| known.0 == name.0));
        return again.map(|(_, (name, _))| &*name.0);
    }
    let mut seen = BTreeSet::new();
    members.iter().map(|(name, _)| &*name.0).find(|name| !seen.insert(*name))
}

impl Value<'_> {
    /// Returns what the value is, for an error.
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a truth value",
            Self::Unsigned(_) | Self::Negative(_) | Self::Fraction => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Returns the error of a value that should be something else.
pub(super) fn unexpected(name: &str, wanted: &str, value: &Value<'_>) -> DocumentError {
    malformed(format_args!("`{name}` is {}, not {wanted}", value.kind()))
}
