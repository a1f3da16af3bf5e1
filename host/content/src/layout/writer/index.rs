//! Changes `index.json` under a lock and replaces it whole. All other entries and fields keep their order and their
//! bytes.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use oci_spec::image::{ANNOTATION_REF_NAME, ImageIndexBuilder, MediaType, SCHEMA_VERSION};
use refkit_oci::edit::{List, Object};
use refkit_oci::{Descriptor, Digest};
use rustix::fs::OFlags;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::put::Unfinished;
use super::referrers;
use crate::ErrorKind;
use crate::layout::entry::{CONTAINERD_NAME, tag_of};
use crate::layout::file::{Extent, open_below};
use crate::layout::marker;
use crate::links::{self, Links};
use crate::verify::MANIFEST_LIMIT;

const NAME: &str = "index.json";

/// An index of a layout that is being edited.
pub(super) struct Index {
    document: Object,
    manifests: List,
}

/// The fields that decide about an entry; the strict reading has checked the rest.
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

    /// Returns whether the entry has no name or other annotation, as the entries that this writer adds without a name.
    fn is_bare(&self) -> bool {
        self.annotations.is_empty() && self.platform.is_none()
    }

    /// Returns whether it is a referrer, which readers find through its entry. Blocks.
    fn has_subject(&self, root: &Path) -> Result<bool, ErrorKind> {
        let digest: Digest = self.digest.parse().map_err(malformed)?;
        let file = open_below(&File::open(root)?, &["blobs", digest.algorithm().as_str(), digest.hex()])?;
        let bytes = Extent::whole(file)?.read_all(MANIFEST_LIMIT)?;
        Ok(Links::read(&self.media_type, &bytes)?.subject.is_some())
    }
}

/// Creates an `index.json` without entries if there is none. Blocks.
pub(super) fn create(root: &Path) -> Result<(), ErrorKind> {
    let _lock = lock(root)?;
    match open_below(&File::open(root)?, &[NAME]) {
        Ok(_) => Ok(()),
        Err(ErrorKind::NotFound) => Index::empty()?.write(root),
        Err(kind) => Err(kind),
    }
}

/// Lists a manifest under a tag, or without a name, and a manifest with a subject among the subject's referrers.
/// Blocks.
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

/// Takes the lock of all writers of a layout. The lock is on the file `oci-layout`, which every layout has and no
/// writer replaces, so that no lock file is left in the layout.
fn lock(root: &Path) -> Result<File, ErrorKind> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags.cast_signed()).open(root.join(marker::NAME))?;
    file.lock()?;
    Ok(file)
}

impl Index {
    pub(super) fn empty() -> Result<Self, ErrorKind> {
        let index = ImageIndexBuilder::default().schema_version(SCHEMA_VERSION).media_type(MediaType::ImageIndex);
        let index = index.manifests(Vec::new()).build().map_err(malformed)?;
        Self::of(Object::of(&index).map_err(malformed)?)
    }

    fn of(document: Object) -> Result<Self, ErrorKind> {
        Ok(Self { manifests: document.list("manifests").map_err(malformed)?, document })
    }

    fn read(root: &Path) -> Result<Self, ErrorKind> {
        let file = Extent::whole(open_below(&File::open(root)?, &[NAME])?)?;
        Self::parse(&file.read_all(MANIFEST_LIMIT)?)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ErrorKind> {
        // The strict reading comes first, so that no ambiguous document is written again.
        Links::read(links::INDEX, bytes).map_err(malformed)?;
        Self::of(Object::read(bytes).map_err(malformed)?)
    }

    /// Returns the deciding fields of each entry.
    pub(super) fn entries(&self) -> Result<Vec<Listed>, ErrorKind> {
        self.manifests.iter().map(|raw| serde_json::from_str(raw.get()).map_err(malformed)).collect()
    }

    /// Appends an entry.
    pub(super) fn push(&mut self, entry: &Descriptor) -> Result<(), ErrorKind> {
        self.manifests.push(entry).map_err(malformed)
    }

    /// Gives a manifest its entry, and removes the tag and the redundant entries of others.
    fn place(
        &mut self,
        root: &Path,
        descriptor: &Descriptor,
        tag: Option<&str>,
        children: &HashSet<&str>,
    ) -> Result<(), ErrorKind> {
        let mut listed = false;
        let mut needless = HashSet::new();
        for (place, entry) in self.entries()?.into_iter().enumerate() {
            let same = entry.digest == descriptor.digest.as_str();
            let named = tag.is_some_and(|tag| entry.is_named(tag));
            if same && (named || tag.is_none()) {
                listed = true;
            } else if let (true, Some(tag)) = (named, tag) {
                match self.without_name(place, tag)? {
                    Some(entry) => self.manifests.set(place, &entry).map_err(malformed)?,
                    None => drop(needless.insert(place)),
                }
            } else if same && entry.is_bare() {
                // The entry with a name, added below, replaces it.
                needless.insert(place);
            } else if children.contains(&*entry.digest) && entry.is_bare() && !entry.has_subject(root)? {
                // The pushed index lists it.
                needless.insert(place);
            }
        }
        self.manifests.retain(|place| !needless.contains(&place));
        if !listed {
            let annotations = tag.map(|tag| (ANNOTATION_REF_NAME.to_owned(), tag.to_owned()));
            let bare = Descriptor::new(&*descriptor.media_type, descriptor.digest.clone(), descriptor.size);
            self.push(&Descriptor { annotations: annotations.into_iter().collect(), ..bare })?;
        }
        Ok(())
    }

    /// Returns an entry without the annotations that give it the tag; `None` if it has no name then.
    fn without_name(&self, place: usize, tag: &str) -> Result<Option<Object>, ErrorKind> {
        let Some(mut entry) = self.manifests.object(place).map_err(malformed)? else { return Ok(None) };
        let mut annotations = entry.object("annotations").map_err(malformed)?;
        annotations.retain(|key, value| {
            let value = serde_json::from_str::<String>(value.get());
            value.is_ok_and(|value| tag_of(key, &value).is_none_or(|own| own != tag))
        });
        if !annotations.members().any(|(name, _)| [ANNOTATION_REF_NAME, CONTAINERD_NAME].contains(&name)) {
            return Ok(None);
        }
        entry.set("annotations", &annotations).map_err(malformed)?;
        Ok(Some(entry))
    }

    /// Returns the index's bytes.
    pub(super) fn into_bytes(mut self) -> Result<Vec<u8>, ErrorKind> {
        self.document.set("manifests", &self.manifests).map_err(malformed)?;
        let bytes = self.document.into_bytes();
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
        }
        Ok(bytes)
    }

    fn write(self, root: &Path) -> Result<(), ErrorKind> {
        Unfinished::new(root)?.write(&self.into_bytes()?)?.finish(&[NAME])
    }
}

fn malformed(error: impl std::fmt::Display) -> ErrorKind {
    ErrorKind::Malformed(format!("its file `{NAME}` cannot be changed: {error}"))
}
