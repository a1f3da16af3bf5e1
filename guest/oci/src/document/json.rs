//! JSON as a tree that borrows from the bytes. A tree and not one derived reader for each type, because in a component
//! every such reader is 10 KB of code; and no error of our own through serde_json, for the same reason.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::DocumentError;
use super::error::malformed;
use crate::quoted::Quoted;

/// Reads bytes that are one JSON value and nothing else.
pub(super) fn read(bytes: &[u8]) -> Result<Value<'_>, DocumentError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let end = if error.is_eof() { ", it ends too early" } else { "" };
        malformed(format_args!("it is no JSON, see line {} column {}{end}", error.line(), error.column()))
    })
}

/// A value.
pub(super) enum Value<'a> {
    Null,
    Bool,
    Unsigned(u64),
    /// Less than 0, or no whole number of 64 bits.
    Number,
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
        deserializer.deserialize_any(TextVisitor)
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

    fn visit_i64<E>(self, _: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number)
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
        Ok(Value::Object(members))
    }
}

/// Objects with more members than this are searched with the help of a map.
const FEW: usize = 16;

/// Checks that no member of an object is there twice.
pub(super) fn check_once(members: &[(Text<'_>, Value<'_>)]) -> Result<(), DocumentError> {
    if members.len() > FEW {
        return in_order(members).map(drop);
    }
    for (place, (name, _)) in members.iter().enumerate() {
        if members[..place].iter().any(|(known, _)| known.0 == name.0) {
            return Err(twice(&name.0));
        }
    }
    Ok(())
}

/// Returns the places of an object's members in the order of their names, each of which is there once.
pub(super) fn in_order(members: &[(Text<'_>, Value<'_>)]) -> Result<Vec<usize>, DocumentError> {
    let mut places = BTreeMap::new();
    for (place, (name, _)) in members.iter().enumerate() {
        if places.insert(&*name.0, place).is_some() {
            return Err(twice(&name.0));
        }
    }
    Ok(places.into_values().collect())
}

fn twice(name: &str) -> DocumentError {
    malformed(format_args!("the member {} is there twice", Quoted(name)))
}

impl Value<'_> {
    /// Returns what the value is, for an error.
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Unsigned(_) | Self::Number => "a number",
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
