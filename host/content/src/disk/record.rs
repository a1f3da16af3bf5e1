//! Small files about content. Each contains its whole key and a seal, so that a file that is damaged, or has the name
//! of another one, counts as absent.

use std::io;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::blob::read_all;
use super::evict;
use super::root::{Place, Root, touch};
use crate::verify::MANIFEST_LIMIT;

/// The largest record: 4 MiB, as manifests. The cache does not keep a longer list.
const LIMIT: u64 = MANIFEST_LIMIT;

/// The bytes of the seal at the beginning, with the line's end.
const SEAL: usize = 65;

/// The key of a record: its kind, and the words of its subject.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub place: Place,
    pub key: String,
}

#[derive(Serialize, Deserialize)]
struct Record<'a, T> {
    key: std::borrow::Cow<'a, str>,
    value: T,
}

/// Returns the name of a record's file.
fn name(root: &Root, slot: &Slot) -> String {
    root.key.hash(&[b"name", slot.place.concat().as_bytes(), slot.key.as_bytes()])
}

fn seal(root: &Root, place: Place, name: &str, body: &[u8]) -> String {
    root.key.hash(&[b"seal", place.concat().as_bytes(), name.as_bytes(), body])
}

/// Returns a record. A damaged one is removed and counts as absent. Blocks.
pub(super) fn read<T: DeserializeOwned>(root: &Root, slot: &Slot) -> Option<T> {
    let name = name(root, slot);
    let file = root.open(slot.place, &name)?;
    let read = || {
        let size = file.metadata().ok().map(|metadata| metadata.len()).filter(|size| *size <= LIMIT)?;
        let bytes = read_all(&file, size).ok()?;
        let record: Record<T> = serde_json::from_slice(unseal(root, slot.place, &name, &bytes)?).ok()?;
        (record.key == slot.key).then_some(record.value)
    };
    let value = read();
    match value {
        Some(_) => touch(&file),
        None => root.remove(slot.place, &name),
    }
    value
}

fn unseal<'a>(root: &Root, place: Place, name: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (line, body) = bytes.split_at_checked(SEAL)?;
    let own = line.strip_suffix(b"\n")?;
    (own == seal(root, place, name, body).as_bytes()).then_some(body)
}

/// Returns what is wrong with a record's file. Blocks.
pub(super) fn check(root: &Root, place: Place, name: &str, bytes: &[u8]) -> Result<(), &'static str> {
    let body = unseal(root, place, name, bytes).ok_or("its seal is broken")?;
    let record: Record<IgnoredAny> = serde_json::from_slice(body).map_err(|_| "it is malformed")?;
    let slot = Slot { place, key: record.key.into_owned() };
    if self::name(root, &slot) == name { Ok(()) } else { Err("it is about something else") }
}

/// Keeps a record. Returns how many bytes were added to the cache. Blocks.
///
/// It does not sync: a record that a power failure truncates breaks its seal, and the cache requests it again.
pub(super) fn write(root: &Root, slot: &Slot, value: &impl Serialize) -> io::Result<u64> {
    let name = name(root, slot);
    let record = Record { key: slot.key.as_str().into(), value };
    let body = serde_json::to_vec(&record)?;
    let size = (SEAL + body.len()) as u64;
    if size > LIMIT || !evict::fits(root, size) {
        return Ok(0);
    }
    let directory = root.make_place(slot.place)?;
    let mut bytes = seal(root, slot.place, &name, &body).into_bytes();
    bytes.push(b'\n');
    bytes.extend_from_slice(&body);
    let mut unfinished = root.begin()?;
    unfinished.write(&bytes)?;
    unfinished.finish_lightly(&directory, &name)?;
    Ok(size)
}
