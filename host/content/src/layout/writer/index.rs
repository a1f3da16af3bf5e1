//! Changing `index.json`: under a lock, replaced whole, and with everything kept that is not ours.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;

use oci_spec::image::{DescriptorBuilder, Digest as SpecDigest, MediaType};
use refkit_oci::{Descriptor, Digest};
use rustix::fs::OFlags;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::{RawValue, to_raw_value};

use super::put::Unfinished;
use super::referrers;
use crate::ErrorKind;
use crate::layout::entry::{CONTAINERD_NAME, REF_NAME, tag_of};
use crate::layout::file::{Extent, open_below};
use crate::layout::marker;
use crate::links::{self, Links};
use crate::verify::MANIFEST_LIMIT;

const NAME: &str = "index.json";

/// `index.json` as it lies there: its members, and the elements of `manifests`, each in its own words.
pub(super) struct Index {
    members: BTreeMap<String, Box<RawValue>>,
    pub(super) manifests: Vec<Box<RawValue>>,
}

/// What decides about an element of `manifests`; the strict reading has checked the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    media_type: String,
    pub(super) digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    platform: Option<IgnoredAny>,
}

impl Listed {
    pub(super) fn is_named(&self, tag: &str) -> bool {
        self.annotations.iter().any(|(key, value)| tag_of(key, value).is_some_and(|own| own == tag))
    }

    /// Returns whether it says no more than that a manifest is there, as ours without a name do.
    fn is_bare(&self) -> bool {
        self.annotations.is_empty() && self.platform.is_none()
    }

    /// Returns whether it is a referrer, which is found through its entry. Blocks.
    fn has_subject(&self, root: &Path) -> Result<bool, ErrorKind> {
        let digest: Digest = self.digest.parse().map_err(malformed)?;
        let file = open_below(&File::open(root)?, &["blobs", digest.algorithm().as_str(), digest.hex()])?;
        let bytes = Extent::whole(file)?.read_all(MANIFEST_LIMIT)?;
        Ok(Links::read(&self.media_type, &bytes)?.subject.is_some())
    }
}

/// Makes an `index.json` without entries where there is none. Blocks.
pub(super) fn create(root: &Path) -> Result<(), ErrorKind> {
    let _lock = lock(root)?;
    match open_below(&File::open(root)?, &[NAME]) {
        Ok(_) => Ok(()),
        Err(ErrorKind::NotFound) => Index::empty()?.write(root),
        Err(problem) => Err(problem),
    }
}

/// Lists a manifest under a tag, or without a name; and one with a subject among the referrers of that. Blocks.
pub(super) fn list(root: &Path, descriptor: &Descriptor, tag: Option<&str>, links: &Links) -> Result<(), ErrorKind> {
    let _lock = lock(root)?;
    let mut index = Index::read(root)?;
    let children = links.manifests.iter().map(|child| child.digest.as_str()).collect();
    index.place(root, descriptor, tag, &children)?;
    if let Some(subject) = &links.subject
        && let Some(list) = referrers::with(root, &index, subject, descriptor, links)?
    {
        index.place(root, &list, Some(&links::fallback_tag(&subject.digest)), &HashSet::new())?;
    }
    index.write(root)
}

/// Returns whether a manifest is listed. Blocks.
pub(super) fn is_listed(root: &Path, digest: &Digest) -> Result<bool, ErrorKind> {
    Ok(Index::read(root)?.entries()?.iter().any(|entry| entry.digest == digest.as_str()))
}

/// Takes the lock that all writers of a layout take. It lies on the file `oci-layout`, which every layout has and
/// nobody replaces, so that no lock file is left in the layout.
fn lock(root: &Path) -> Result<File, ErrorKind> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags.cast_signed()).open(root.join(marker::NAME))?;
    file.lock()?;
    Ok(file)
}

impl Index {
    pub(super) fn empty() -> Result<Self, ErrorKind> {
        let mut members = BTreeMap::new();
        members.insert("schemaVersion".to_owned(), raw(&2)?);
        members.insert("mediaType".to_owned(), raw(&links::INDEX)?);
        Ok(Self { members, manifests: Vec::new() })
    }

    fn read(root: &Path) -> Result<Self, ErrorKind> {
        let file = Extent::whole(open_below(&File::open(root)?, &[NAME])?)?;
        Self::parse(&file.read_all(MANIFEST_LIMIT)?)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ErrorKind> {
        // The strict reading comes first: what is ambiguous is not written anew.
        Links::read(links::INDEX, bytes).map_err(malformed)?;
        let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).map_err(malformed)?;
        let manifests = match members.remove("manifests") {
            Some(manifests) => serde_json::from_str(manifests.get()).map_err(malformed)?,
            None => Vec::new(),
        };
        Ok(Self { members, manifests })
    }

    /// Returns what decides about each element of `manifests`.
    pub(super) fn entries(&self) -> Result<Vec<Listed>, ErrorKind> {
        self.manifests.iter().map(|raw| serde_json::from_str(raw.get()).map_err(malformed)).collect()
    }

    /// Gives a manifest its entry, and takes the tag and what the manifest makes needless from others.
    fn place(
        &mut self,
        root: &Path,
        descriptor: &Descriptor,
        tag: Option<&str>,
        children: &HashSet<&str>,
    ) -> Result<(), ErrorKind> {
        let entries = self.entries()?;
        let mut listed = false;
        let mut kept = Vec::with_capacity(self.manifests.len() + 1);
        for (raw, entry) in self.manifests.drain(..).zip(entries) {
            let same = entry.digest == descriptor.digest.as_str();
            let named = tag.is_some_and(|tag| entry.is_named(tag));
            if same && (named || tag.is_none()) {
                listed = true;
                kept.push(raw);
            } else if let (true, Some(tag)) = (named, tag) {
                kept.extend(without_name(&raw, tag)?);
            } else if same && entry.is_bare() {
                // It gets its entry with a name below.
            } else if children.contains(&*entry.digest) && entry.is_bare() && !entry.has_subject(root)? {
                // Its place is within the index that has come.
            } else {
                kept.push(raw);
            }
        }
        if !listed {
            kept.push(entry(descriptor, tag)?);
        }
        self.manifests = kept;
        Ok(())
    }

    /// Returns its bytes.
    pub(super) fn into_bytes(mut self) -> Result<Vec<u8>, ErrorKind> {
        self.members.insert("manifests".to_owned(), raw(&self.manifests)?);
        let bytes = serde_json::to_vec(&self.members).map_err(malformed)?;
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
        }
        Ok(bytes)
    }

    fn write(self, root: &Path) -> Result<(), ErrorKind> {
        Unfinished::new(root)?.write(&self.into_bytes()?)?.finish(&[NAME])
    }
}

/// Returns the entry of a manifest.
fn entry(of: &Descriptor, tag: Option<&str>) -> Result<Box<RawValue>, ErrorKind> {
    let digest = SpecDigest::from_str(of.digest.as_str()).map_err(malformed)?;
    let mut entry =
        DescriptorBuilder::default().media_type(MediaType::from(&*of.media_type)).digest(digest).size(of.size);
    if let Some(tag) = tag {
        entry = entry.annotations([(REF_NAME.to_owned(), tag.to_owned())]);
    }
    raw(&entry.build().map_err(malformed)?)
}

/// Returns an entry without the annotations that give it the tag; none if it has no name then.
fn without_name(entry: &RawValue, tag: &str) -> Result<Option<Box<RawValue>>, ErrorKind> {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(entry.get()).map_err(malformed)?;
    let Some(annotations) = members.get("annotations") else { return Ok(None) };
    let mut annotations: BTreeMap<String, String> = serde_json::from_str(annotations.get()).map_err(malformed)?;
    annotations.retain(|key, value| tag_of(key, value).is_none_or(|own| own != tag));
    if ![REF_NAME, CONTAINERD_NAME].iter().any(|name| annotations.contains_key(*name)) {
        return Ok(None);
    }
    members.insert("annotations".to_owned(), raw(&annotations)?);
    raw(&members).map(Some)
}

pub(super) fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, ErrorKind> {
    to_raw_value(value).map_err(malformed)
}

fn malformed(error: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::Malformed(format!("its file `{NAME}` cannot be changed: {error}"))
}
