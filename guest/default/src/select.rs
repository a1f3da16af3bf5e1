//! Selects the image that suits a platform, as BuildKit and containerd do.

use refkit_policy::oci;
use refkit_policy::oci::document::{Entry, Index, Unverifiable, media_type};
use refkit_policy::oci::matching::{Matcher, Only};
use refkit_policy::{Absence, Descriptor, Error, ErrorCode, Host, Image, Platform};

use crate::documents::{Documents, bare_of};
use crate::{MAX_DEPTH, Place, config};

/// The search for one platform.
struct Search {
    only: Only,
    parents: Vec<Descriptor>,
    /// The result, once the search has ended.
    place: Option<Place>,
}

/// Returns, for each requested platform, the image that suits it best. With `configs`, all manifests are read;
/// otherwise only those whose platform is unknown.
pub(crate) fn select(documents: &mut Documents<'_, impl Host>, wanted: Vec<Platform>, configs: bool) -> Vec<Place> {
    let search = |wanted: Platform| Search { only: Only::new(wanted.into()), parents: Vec::new(), place: None };
    let mut searches: Vec<Search> = wanted.into_iter().map(search).collect();
    // Every round takes all unfinished searches one index further down.
    loop {
        for search in searches.iter_mut().filter(|search| search.place.is_none()) {
            search.place = step(documents, search);
        }
        let open = searches.iter().filter(|search| search.place.is_none());
        let nested: Vec<&Descriptor> = open.filter_map(|search| search.parents.last()).collect();
        if nested.is_empty() {
            break;
        }
        documents.read(&nested);
    }
    let (matchers, mut places): (Vec<Only>, Vec<Place>) =
        searches.into_iter().map(|search| (search.only, search.place.unwrap_or(Err(Absence::NoMatch)))).unzip();
    let unchecked: Vec<bool> = places.iter().map(|place| matches!(place, Ok(Image { platform: None, .. }))).collect();
    if configs || unchecked.contains(&true) {
        config::configure(documents, &mut places, |image| configs || image.platform.is_none());
        for ((place, only), _) in places.iter_mut().zip(&matchers).zip(unchecked).filter(|(_, unchecked)| *unchecked) {
            check(documents, place, only);
        }
    }
    places
}

/// Searches one index. Returns the result if the search ends there, or `None` after adding a parent.
fn step(documents: &Documents<'_, impl Host>, search: &mut Search) -> Option<Place> {
    let index = match documents.index(documents.holder(&search.parents)) {
        Ok(index) => index,
        Err(error) => return Some(Err(Absence::Failed(error))),
    };
    let Some(entry) = best(index, &search.only) else {
        return Some(Err(Absence::NoMatch));
    };
    let entry = match entry {
        Entry::Verifiable(entry) => entry,
        Entry::Unverifiable(entry) => return Some(Err(Absence::Failed(unverifiable(documents, entry)))),
    };
    if media_type::is_manifest(&entry.media_type) {
        let parents = std::mem::take(&mut search.parents);
        return Some(Ok(image(entry, parents)));
    }
    if !media_type::is_index(&entry.media_type) {
        return Some(Err(Absence::Failed(unknown(documents, entry))));
    }
    if search.parents.len() == MAX_DEPTH {
        return Some(Err(Absence::Failed(too_deep(documents, entry))));
    }
    search.parents.push(bare_of(entry));
    None
}

/// Returns the best entry of those that match or have no platform: the first one of a stable sort by the matcher, with
/// entries without a platform last.
fn best<'a>(index: &'a Index, only: &Only) -> Option<Entry<'a>> {
    let mut best: Option<Entry<'a>> = None;
    for entry in index.entries() {
        let better = match (entry.platform(), best.map(Entry::platform)) {
            (None, known) => known.is_none(),
            (Some(platform), None | Some(None)) => only.matches(platform),
            (Some(platform), Some(Some(known))) => only.matches(platform) && only.less(platform, known),
        };
        if better {
            best = Some(entry);
        }
    }
    best
}

/// Checks the platform in the config of an image whose index entry has none. A config without one is a failure,
/// because containerd would use the builder's own operating system.
fn check(documents: &Documents<'_, impl Host>, place: &mut Place, only: &Only) {
    let Ok(image) = place else { return };
    let absence = match &image.platform {
        Some(platform) if only.matches(&platform.clone().into()) => return,
        Some(_) => Absence::NoMatch,
        None => {
            let (code, reason) = match &image.config {
                None => (ErrorCode::Unsupported, " has no image config, and its index does not tell its platform"),
                Some(_) => (ErrorCode::Invalid, ": neither its index nor its config tells its os and architecture"),
            };
            Absence::Failed(Error::new(code, documents.name(&image.manifest.digest) + reason))
        }
    };
    *place = Err(absence);
}

/// Returns the image of an entry, with the entry's platform and annotations.
pub(crate) fn image(entry: &oci::Descriptor, parents: Vec<Descriptor>) -> Image {
    Image {
        platform: entry.platform.as_ref().map(|platform| platform.clone().normalized().into()),
        parents,
        manifest: bare_of(entry),
        config: None,
        attestations: Vec::new(),
    }
}

/// Returns the error for an index that is too far below the root.
pub(crate) fn too_deep(documents: &Documents<'_, impl Host>, entry: &oci::Descriptor) -> Error {
    let name = documents.name(entry.digest.as_str());
    Error::invalid(format_args!("{name}: indexes are nested deeper than {MAX_DEPTH} levels"))
}

/// Returns the error for an entry whose digest has an unknown algorithm.
pub(crate) fn unverifiable(documents: &Documents<'_, impl Host>, entry: &Unverifiable) -> Error {
    let index = documents.reference;
    Error::new(ErrorCode::Unsupported, format!("{}/{}: {}", index.registry, index.repository, entry.error()))
}

fn unknown(documents: &Documents<'_, impl Host>, entry: &oci::Descriptor) -> Error {
    let name = documents.name(entry.digest.as_str());
    let message = format!("{name} is neither a manifest nor an index, but of media type {}", entry.media_type);
    Error::new(ErrorCode::Unsupported, message)
}
