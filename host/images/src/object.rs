//! JSON objects whose members keep their order, and their bytes where nobody changes them.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Error;
use serde_json::value::{RawValue, to_raw_value};

/// The members of an object.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// Reads an object. It has been read strictly before: each member is there once.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes)
    }

    /// Returns the document's bytes.
    ///
    /// # Errors
    /// None that can happen.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self)
    }

    /// Returns a member's value; what is not there or `null` is the default.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn get<'a, T: Deserialize<'a> + Default>(&'a self, name: &str) -> Result<T, Error> {
        let found = self.0.iter().find(|(member, value)| member == name && value.get() != "null");
        found.map_or_else(|| Ok(T::default()), |(_, value)| serde_json::from_str(value.get()))
    }

    /// Gives a member a value, in its place or as the last one.
    ///
    /// # Errors
    /// When the value is none of JSON.
    pub fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let value = to_raw_value(value)?;
        match self.0.iter_mut().find(|(member, _)| member == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// Takes a member away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(member, _)| member != name);
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_changes_stays_as_it_is() {
        let text = r#"{"z":1.50,"a":{"y":[1e3],"b":"\u00e9"},"m":null,"q":[ 1 ]}"#;
        let mut members = Object::read(text.as_bytes()).unwrap();
        assert_eq!(members.bytes().unwrap(), text.as_bytes());
        members.set("m", "new").unwrap();
        members.set("last", &1).unwrap();
        members.remove("q");
        let mut inner: Object = members.get("a").unwrap();
        inner.set("b", &[2]).unwrap();
        members.set("a", &inner).unwrap();
        let wanted = r#"{"z":1.50,"a":{"y":[1e3],"b":[2]},"m":"new","last":1}"#;
        assert_eq!(String::from_utf8(members.bytes().unwrap()).unwrap(), wanted);
    }

    #[test]
    fn what_is_not_there_is_the_default() {
        let members = Object::read(br#"{"null":null,"text":"a"}"#).unwrap();
        assert_eq!(members.get::<String>("null").unwrap(), "");
        assert!(members.get::<Object>("missing").unwrap().0.is_empty());
        assert!(members.get::<Object>("text").is_err());
        assert!(Object::read(b"[]").is_err() && Object::read(b"{}x").is_err());
    }
}
