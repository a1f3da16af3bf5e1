//! JSON objects.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::items::Items;
use super::{EditError, List};

/// A JSON object whose unedited parts keep their bytes.
#[derive(Debug, Clone)]
pub struct Object {
    /// The names of the members, one for each item.
    names: Vec<String>,
    items: Items,
}

impl Default for Object {
    fn default() -> Self {
        Self { names: Vec::new(), items: Items::none('{', '}') }
    }
}

impl Object {
    /// Returns an object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the JSON object of a value.
    ///
    /// # Errors
    /// [`EditError::Malformed`] for a value that is no object in JSON.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, EditError> {
        Self::read(&serde_json::to_vec(value)?)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`EditError::Malformed`] if the bytes are no object; [`EditError::Twice`] if it has a member twice.
    pub fn read(bytes: &[u8]) -> Result<Self, EditError> {
        let text = std::str::from_utf8(bytes).map_err(|_| EditError::Malformed("it is not UTF-8".to_owned()))?;
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self, EditError> {
        let Members { names, values } = serde_json::from_str(text)?;
        let mut met = HashSet::with_capacity(names.len());
        if let Some(twice) = names.iter().find(|name| !met.insert(name.as_str())) {
            return Err(EditError::Twice(twice.clone()));
        }
        Ok(Self { items: Items::split(text, &values), names })
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Returns the JSON of a member's value; `None` for a member that is absent or `null`.
    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        let value = &*self.items.all[self.place(name)?].value;
        (value.get() != "null").then_some(value)
    }

    /// Returns a member's value; `None` for a member that is absent or `null`.
    ///
    /// # Errors
    /// [`EditError::Malformed`] if the value has another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, EditError> {
        Ok(self.raw(name).map(|value| serde_json::from_str(value.get())).transpose()?)
    }

    /// Returns a member that is an object; an empty one for a member that is absent or `null`.
    ///
    /// # Errors
    /// [`EditError::Malformed`] if the value is no object; [`EditError::Twice`].
    pub fn object(&self, name: &str) -> Result<Self, EditError> {
        self.raw(name).map_or_else(|| Ok(Self::new()), |value| Self::parse(value.get()))
    }

    /// Returns a member that is a list; an empty one for a member that is absent or `null`.
    ///
    /// # Errors
    /// [`EditError::Malformed`] if the value is no list.
    pub fn list(&self, name: &str) -> Result<List, EditError> {
        self.raw(name).map_or_else(|| Ok(List::new()), |value| List::parse(value.get()))
    }

    /// Sets a member's value, in its present position or as the last one.
    ///
    /// # Errors
    /// [`EditError::Malformed`] for a value that cannot be written as JSON.
    pub fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), EditError> {
        match self.place(name) {
            Some(place) => self.items.all[place].replace(value),
            None => {
                self.items.push(Some(name), value)?;
                self.names.push(name.to_owned());
                Ok(())
            }
        }
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) {
        self.retain(|known, _| known != name);
    }

    /// Removes the members for which a function returns false.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &RawValue) -> bool) {
        let names = std::mem::take(&mut self.names);
        let mut rest = names.into_iter();
        let kept = &mut self.names;
        self.items.retain(|item| {
            let Some(name) = rest.next() else { return false };
            let keep = keep(&name, &item.value);
            if keep {
                kept.push(name);
            }
            keep
        });
    }

    /// Returns the names and values of the members, in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.names.iter().map(String::as_str).zip(self.items.all.iter().map(|item| &*item.value))
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the document's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.items.text().into_bytes()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.items.text())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.value().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(value.get()).map_err(D::Error::custom)
    }
}

/// The members of an object, in the order of its text.
struct Members<'a> {
    names: Vec<String>,
    values: Vec<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        while let Some((name, value)) = map.next_entry()? {
            names.push(name);
            values.push(value);
        }
        Ok(Members { names, values })
    }
}
