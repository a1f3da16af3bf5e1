//! A row as a publication: what is in the registry, and what is asked of the default publisher. The crate runs these
//! natively, and the tests of the whole run them as components.

use refkit_oci::annotation::{Annotation, Level};
use refkit_oci::{Content, Digest, Platform};
use refkit_support::image::Image;

use crate::content::raw;
use crate::rows::{Fixtures, Row};

/// The repository of the sources, and the destination.
pub const REPOSITORY: &str = "registry.test/app";
pub const DESTINATION: &str = "mirror.test/app:1";

/// The rows that a publication cannot be asked, and why.
const NOT_ASKED: [(&str, &str); 7] = [
    ("an odd index keeps its bytes", "it names a manifest that is not there"),
    ("no media type", "the host names a media type for each document"),
    ("another media type than the document's", "the policy that resolves refuses the document"),
    ("schema 1", "the policy that resolves refuses the document"),
    ("no document", "the policy that resolves refuses the document"),
    ("of the index's entry", "a publication has no such annotation"),
    ("of another type", "the registry lists what the bytes of a manifest say"),
];

/// The rows whose one source a publication copies byte for byte: it asks the rules of composing only about a change.
const COPIED: [&str; 1] = ["a referrer gets in"];

/// A source: its digest, and the descriptor that the user states for it.
pub struct Source {
    pub digest: Digest,
    pub descriptor: Option<String>,
}

/// A publication to ask.
pub struct Asked<'a> {
    pub about: &'static str,
    /// The images in the repository.
    pub images: Vec<&'a Image>,
    /// The documents of the sources, which are no images of the table.
    pub documents: Vec<&'a Content>,
    pub sources: Vec<Source>,
    pub platforms: Vec<Platform>,
    pub annotations: Vec<(Level, String, String)>,
    pub prefer_index: bool,
    pub sparse: bool,
    pub settings: Vec<(&'static str, &'static str)>,
    /// The digest of what is published, or a part of the error.
    pub wanted: Result<Digest, &'static str>,
}

/// Returns the publications of all rows that can be asked.
///
/// # Panics
/// Panics where a row that is left out is not in the table, or one that is not left out cannot be asked.
pub fn asked<'a>(fixtures: &'a Fixtures, rows: &'a [Row]) -> Vec<Asked<'a>> {
    for (about, _) in NOT_ASKED {
        assert!(rows.iter().any(|row| row.about == about), "there is no row {about:?}");
    }
    let rows = rows.iter().filter(|row| !NOT_ASKED.iter().any(|(about, _)| *about == row.about));
    rows.map(|row| publication(fixtures, row)).collect()
}

fn publication<'a>(fixtures: &'a Fixtures, row: &'a Row) -> Asked<'a> {
    let question = &row.question;
    let is_listed = |image: &Image| question.referrers.iter().any(|(_, one)| one.descriptor.digest == *image.digest());
    let images = fixtures.all().into_iter().filter(|(name, image)| *name != "referrer" || is_listed(image));
    let annotations = question.annotations.iter().flat_map(|text| {
        let Annotation { levels, key, value } = text.parse().expect("an annotation");
        levels.into_iter().map(move |level| (level, key.clone(), value.clone()))
    });
    let flags = [("oci", question.oci), ("sparse", question.sparse), ("unwrap", question.unwrap)];
    let sources = question.sources.iter().map(|content| {
        let stated = content.descriptor != raw(&content.descriptor.media_type, content.bytes.clone()).descriptor;
        let descriptor = stated.then(|| serde_json::to_string(&content.descriptor).expect("a descriptor"));
        Source { digest: content.descriptor.digest.clone(), descriptor }
    });
    Asked {
        about: row.about,
        images: images.map(|(_, image)| image).collect(),
        documents: question.sources.iter().collect(),
        sources: sources.collect(),
        platforms: question.platforms.iter().map(|text| text.parse().expect("a platform")).collect(),
        annotations: annotations.collect(),
        prefer_index: question.prefer_index,
        sparse: question.sparse,
        settings: flags.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (name, "true")).collect(),
        wanted: match row.wanted.strip_prefix("error: ") {
            Some(part) => Err(part),
            None if COPIED.contains(&row.about) => Ok(question.sources[0].descriptor.digest.clone()),
            None => Ok(question.own().expect(row.about).content.descriptor.digest),
        },
    }
}

impl Asked<'_> {
    /// Returns how the outcome is not the wanted one, if it is not: the digest that the destination's tag names then, or
    /// the text of the denial or error.
    pub fn unmet(&self, found: &Result<Option<Digest>, String>) -> Option<String> {
        let is_met = match (&self.wanted, found) {
            (Ok(wanted), Ok(Some(found))) => found == wanted,
            (Err(part), Err(text)) => text.contains(part),
            _ => false,
        };
        (!is_met).then(|| format!("{}\n  wanted {:?}\n  found  {found:?}", self.about, self.wanted))
    }
}
