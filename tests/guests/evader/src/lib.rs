//! Calls the rest of the chain, and returns an outcome of its own: the setting `mode` selects which, and `other` has a
//! reference if the mode needs one. The settings in its description are its modes, so that a test can check that each
//! has a row.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

use refkit_policy::oci::document::{self, Document, Limits};
use refkit_policy::*;

/// The modes.
pub const MODES: &[&str] = &[
    "own",
    "own-digest",
    "own-other",
    "own-child",
    "own-images",
    "own-config",
    "own-entry",
    "own-tag",
    "next-same",
    "next-digest",
    "next-other",
    "next-tag",
    "asked-other",
    "asked-root",
    "asked-whole",
    "asked-no-match",
    "asked-twice",
];

/// The policy.
pub struct Evader;

impl Policy for Evader {
    fn about() -> Description {
        let about = Description::new("evader", "0.0.0", "Answers what others refused");
        let about = about.optional("mode", "which one", None).optional("other", "another reference", None);
        let about = about.optional("quiet", "whether the rest of the chain is not asked", None);
        MODES.iter().fold(about, |about, mode| about.optional(mode, "a mode", None))
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        let mode = host.setting("mode").unwrap_or_default();
        let other = match host.setting("other") {
            Some(text) => oci::Reference::parse(&text).map_err(Error::invalid)?.into(),
            None => request.reference.clone(),
        };
        let asked = Request { parts: request.parts | Parts::IMAGES | Parts::CONFIGS, ..request.clone() };
        let told = if host.setting("quiet").is_some() { None } else { Some(host.next(&asked)) };
        let with = |reference: Reference| Request { reference, ..request.clone() };
        let own = |reference: Reference| {
            let root = host.resolve(&reference)?;
            Ok(Outcome::Resolved(Resolved { reference, root, images: Vec::new() }))
        };
        let pinned = || Ok::<_, Error>(request.reference.pinned(&host.resolve(&request.reference)?.digest));
        let untagged = || Ok::<_, Error>(Reference { tag: None, ..pinned()? });
        let tagged = || Ok::<_, Error>(Reference { tag: other.tag.clone(), ..pinned()? });
        match mode.as_str() {
            "own" => own(request.reference.clone()),
            "own-digest" => own(untagged()?),
            "own-other" => own(other),
            "own-tag" => own(tagged()?),
            "own-child" | "own-config" | "own-entry" => {
                let (root, entries) = index(host, &request.reference)?;
                let digest = match (mode.as_str(), entries.last()) {
                    ("own-child", _) => entries[0].digest.to_string(),
                    ("own-entry", Some(last)) => last.digest.to_string(),
                    _ => config(host, &request.reference, &entries[0].digest.to_string())?,
                };
                let reference = Reference { tag: None, ..request.reference.pinned(&digest) };
                Ok(Outcome::Resolved(Resolved { reference, root: bare(&root, &digest), images: Vec::new() }))
            }
            "own-images" => {
                let (root, entries) = index(host, &request.reference)?;
                let image = |entry: &oci::Descriptor| Image {
                    platform: None,
                    parents: Vec::new(),
                    manifest: bare(&root, entry.digest.as_str()),
                    config: None,
                    attestations: Vec::new(),
                };
                let images = entries.iter().take(2).map(|entry| Ok(image(entry))).collect();
                Ok(Outcome::Resolved(Resolved { reference: request.reference.clone(), root, images }))
            }
            "next-same" => Ok(Outcome::Next(request)),
            "next-digest" => Ok(Outcome::Next(with(untagged()?))),
            "next-other" => Ok(Outcome::Next(with(other))),
            "next-tag" => Ok(Outcome::Next(with(tagged()?))),
            "asked-other" => host.next(&with(other)),
            "asked-root" => host.next(&Request { parts: Parts::empty(), ..with(untagged()?) }),
            "asked-whole" | "asked-no-match" => {
                let Some(Ok(Outcome::Resolved(mut resolved))) = told else { return Ok(Outcome::Next(request)) };
                for place in resolved.images.iter_mut().filter(|place| place.is_err()) {
                    *place = Err(Absence::NoMatch);
                }
                if mode == "asked-whole" {
                    resolved.images.clear();
                }
                Ok(Outcome::Resolved(resolved))
            }
            "asked-twice" => {
                let all = host.next(&Request { selection: Selection::All, ..asked.clone() })?;
                let Outcome::Resolved(mut all) = all else { return Ok(all) };
                all.images.retain(Result::is_ok);
                all.images.truncate(2);
                Ok(Outcome::Resolved(all))
            }
            _ => Err(Error::invalid(format_args!("there is no mode {mode}"))),
        }
    }
}

refkit_policy::export!(Evader);

/// Returns a root that is an index, with its entries.
fn index(host: &impl Host, reference: &Reference) -> Result<(Descriptor, Vec<oci::Descriptor>), Error> {
    let content = host.pull(reference)?;
    let media_type = Some(content.descriptor.media_type.as_str());
    match document::read(media_type, &content.bytes, &Limits::default()).map_err(Error::invalid)? {
        Document::Index(index) => Ok((content.descriptor, index.manifests)),
        Document::Manifest(_) => Err(Error::invalid("it is no index")),
    }
}

/// Returns the digest of a manifest's config.
fn config(host: &impl Host, reference: &Reference, manifest: &str) -> Result<String, Error> {
    let bytes = host.fetch(reference, manifest)?;
    match document::read(None, &bytes, &Limits::default()).map_err(Error::invalid)? {
        Document::Manifest(manifest) => Ok(manifest.config.digest.to_string()),
        Document::Index(_) => Err(Error::invalid("it is no manifest")),
    }
}

/// Returns a descriptor with another digest, the only field that the host reads.
fn bare(like: &Descriptor, digest: &str) -> Descriptor {
    Descriptor { digest: digest.to_owned(), ..like.clone() }
}
