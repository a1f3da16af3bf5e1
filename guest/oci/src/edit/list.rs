//! JSON lists.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::items::Items;
use super::{EditError, Object};

/// A JSON list whose unedited parts keep their bytes.
#[derive(Debug, Clone)]
pub struct List(Items);

impl Default for List {
    fn default() -> Self {
        Self(Items::none('[', ']'))
    }
}

impl List {
    /// Returns a list without elements.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn parse(text: &str) -> Result<Self, EditError> {
        let values: Vec<&RawValue> = serde_json::from_str(text)?;
        Ok(Self(Items::split(text, &values)))
    }

    /// Returns the JSON of the elements, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &RawValue> {
        self.0.all.iter().map(|item| &*item.value)
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.0.all.len()
    }

    /// Returns whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.0.all.is_empty()
    }

    /// Returns an element that is an object; `None` beyond the end.
    ///
    /// # Errors
    /// [`EditError::Malformed`] if the element is no object; [`EditError::Twice`].
    pub fn object(&self, place: usize) -> Result<Option<Object>, EditError> {
        self.iter().nth(place).map(|value| Ok(serde_json::from_str(value.get())?)).transpose()
    }

    /// Appends an element.
    ///
    /// # Errors
    /// [`EditError::Malformed`] for a value that cannot be written as JSON.
    pub fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), EditError> {
        self.0.push(None, value)
    }

    /// Replaces an element; an index beyond the end changes nothing.
    ///
    /// # Errors
    /// [`EditError::Malformed`] for a value that cannot be written as JSON.
    pub fn set(&mut self, place: usize, value: &(impl Serialize + ?Sized)) -> Result<(), EditError> {
        self.0.all.get_mut(place).map_or(Ok(()), |item| item.replace(value))
    }

    /// Removes the elements for whose index a function returns false.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut places = 0..;
        self.0.retain(|_| places.next().is_some_and(&mut keep));
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.value().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(value.get()).map_err(D::Error::custom)
    }
}
