//! JSON as a tree that borrows from the bytes. It is one tree instead of a derived reader for each type, because every
//! such reader adds 10 KB to a component; for the same reason no error of this crate passes through serde_json.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::malformed;
use super::{DocumentError, Limits};
use crate::quoted::Quoted;

/// Reads bytes that are exactly one JSON value. Values beyond a limit are parsed and dropped, so that neither depth
/// nor number of values costs more than the limit.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Value<'a>, DocumentError> {
    if bytes.len() > limits.bytes {
        return Err(DocumentError::TooLarge { size: bytes.len(), limit: limits.bytes });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is no JSON: it is not UTF-8"))?;
    let state = State { limits, depth: Cell::new(0), values: Cell::new(0), deep: Cell::new(false) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = state.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    let value = value.map_err(|error| {
        let end = if error.is_eof() { ", it ends too early" } else { "" };
        malformed(format_args!("it is no JSON, see line {} column {}{end}", error.line(), error.column()))
    })?;
    if state.deep.get() {
        return Err(DocumentError::TooDeep { limit: limits.depth });
    }
    if state.values.get() > limits.values {
        return Err(DocumentError::TooComplex { limit: limits.values });
    }
    Ok(value)
}

/// The state of reading.
struct State<'l> {
    limits: &'l Limits,
    depth: Cell<usize>,
    values: Cell<usize>,
    deep: Cell<bool>,
}

impl State<'_> {
    /// Returns whether one more value may be kept.
    fn one_more(&self) -> bool {
        self.values.set(self.values.get() + 1);
        self.values.get() <= self.limits.values
    }

    /// Returns whether the reader may go one level down.
    fn down(&self) -> bool {
        self.depth.set(self.depth.get() + 1);
        let may = self.depth.get() <= self.limits.depth;
        self.deep.set(self.deep.get() || !may);
        may
    }

    fn up(&self) {
        self.depth.set(self.depth.get() - 1);
    }
}

/// A value.
pub(super) enum Value<'a> {
    Null,
    Bool,
    Unsigned(u64),
    /// A negative number, or one that is no whole number of 64 bits.
    Number,
    Text(Text<'a>),
    List(Vec<Value<'a>>),
    Object(Vec<(Text<'a>, Value<'a>)>),
}

/// A text, borrowed unless it contains an escape.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for &State<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
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

impl<'de> Visitor<'de> for &State<'_> {
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
        if self.down() {
            while self.one_more() {
                match list.next_element_seed(self)? {
                    Some(value) => values.push(value),
                    None => break,
                }
            }
        }
        self.up();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::List(values))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Value<'de>, M::Error> {
        let mut members: Vec<(Text<'de>, Value<'de>)> = Vec::new();
        if self.down() {
            while self.one_more() {
                match map.next_key()? {
                    Some(name) => members.push((name, map.next_value_seed(self)?)),
                    None => break,
                }
            }
        }
        self.up();
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(members))
    }
}

/// Objects with more members than this are searched with a map.
const FEW: usize = 16;

/// Checks that an object has no member twice.
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

/// Returns the indexes of an object's members, sorted by their names, which must differ.
pub(super) fn in_order(members: &[(Text<'_>, Value<'_>)]) -> Result<Vec<usize>, DocumentError> {
    // The keys are copied, because another kind of map would add 3 KB to a component, and few objects come here.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, (name, _)) in members.iter().enumerate() {
        if places.insert(name.0.as_ref().to_owned(), place).is_some() {
            return Err(twice(&name.0));
        }
    }
    Ok(places.into_values().collect())
}

fn twice(name: &str) -> DocumentError {
    malformed(format_args!("the member {} is there twice", Quoted(name)))
}

impl Value<'_> {
    /// Returns the kind of the value, for an error.
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

/// Returns the error for a value of the wrong kind.
pub(super) fn unexpected(name: &str, wanted: &str, value: &Value<'_>) -> DocumentError {
    malformed(format_args!("`{name}` is {}, not {wanted}", value.kind()))
}
