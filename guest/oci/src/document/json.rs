//! JSON objects, in one reading only.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

use super::DocumentError;
use super::error::malformed;

/// Reads bytes that are one JSON value and nothing else.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    serde_json::from_slice(bytes).map_err(malformed)
}

/// A JSON object, and nothing else: serde would take a list of the members' values for the same. A member that differs
/// from a known one only in the case of its letters is refused, because there are readers that take it for the same.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Object<T>, M::Error> {
                T::deserialize(Known(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Learns from the derived code which members it knows.
struct Known<M>(M);

impl<'de, M: MapAccess<'de>> Deserializer<'de> for Known<M> {
    type Error = M::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, M::Error> {
        visitor.visit_map(Checked { map: self.0, known })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, M::Error> {
        MapAccessDeserializer::new(self.0).deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Checked<M> {
    map: M,
    known: &'static [&'static str],
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Checked<M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, M::Error> {
        let Some(key) = self.map.next_key::<String>()? else { return Ok(None) };
        if let Some(known) = self.known.iter().find(|known| **known != key && same_letters(known, &key)) {
            return Err(M::Error::custom(format_args!("the member {key:?} is `{known}` in other letters")));
        }
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        self.map.next_value_seed(seed)
    }
}

/// As Go compares the names of members: letters of either case are the same, and so are the two letters outside ASCII
/// whose other case is in it.
fn same_letters(known: &str, key: &str) -> bool {
    let fold = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    };
    // Both are short or soon differ.
    known.chars().map(fold).eq(key.chars().map(fold))
}

/// Annotations; a key that is there twice is refused.
#[derive(Default)]
pub(super) struct Annotations(BTreeMap<String, String>);

impl Annotations {
    /// Returns them sorted by key.
    pub(super) fn into_list(self) -> Vec<(String, String)> {
        self.0.into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_unit<E>(self) -> Result<Annotations, E> {
                Ok(Annotations::default())
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Annotations, M::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if pairs.contains_key(&key) {
                        return Err(M::Error::custom(format_args!("{key:?} is there twice")));
                    }
                    pairs.insert(key, value);
                }
                Ok(Annotations(pairs))
            }
        }

        deserializer.deserialize_any(Pairs)
    }
}
