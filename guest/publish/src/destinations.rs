//! The destinations of a publication: content first, at all of them, and then the tags.

use refkit_oci::{Content, Digest};
use refkit_publishing::{Descriptor, Error, Level, PublishingHost, Reference};

use crate::compose::{COPIED_REFERRERS, Composed, Rewritten};
use crate::sources::Found;

/// The artifact type that stands for all.
const ALL: &str = "*";

/// Copies what the result refers to, and pushes the result. Returns the root.
///
/// # Errors
/// The registry's or the host's. Then no tag names content that is not there.
pub fn push(
    host: &impl PublishingHost,
    destinations: &[Reference],
    found: &[Found],
    composed: &Composed,
) -> Result<Descriptor, Error> {
    destinations.iter().try_for_each(|destination| names(destination, &composed.content))?;
    let referrers = referrers(host);
    let mut repositories: Vec<&Reference> = Vec::new();
    for destination in destinations {
        if !repositories.iter().any(|known| is_at(known, destination)) {
            repositories.push(destination);
        }
    }
    for Rewritten { of, content } in &composed.rewritten {
        let fields = [("manifest", of), ("new", &content.descriptor.digest)];
        let fields = fields.map(|(name, digest)| (name.to_owned(), digest.as_str().to_owned()));
        host.event(Level::Info, "a manifest is written anew: signatures of the old one are not about it", &fields);
    }
    let copies = copies(found, composed, &referrers);
    for destination in repositories {
        for Copied { source, digests, referrers } in &copies {
            // What an index of the destination's own repository names is taken to be there, as buildx and crane take it. No
            // request asks: a registry that checks refuses the new index, and names what an incomplete one lacks.
            if !is_at(destination, source) {
                host.copy(source, digests, destination, referrers)?;
            }
        }
        for Rewritten { content: Content { descriptor, bytes }, .. } in &composed.rewritten {
            if descriptor.digest != composed.content.descriptor.digest {
                let digest = Some(descriptor.digest.as_str().to_owned());
                let destination = Reference { tag: None, digest, ..destination.clone() };
                host.push_manifest(&destination, &descriptor.media_type, bytes)?;
            }
        }
    }
    let (media_type, bytes) = (&composed.content.descriptor.media_type, &composed.content.bytes);
    let mut root = None;
    for destination in destinations {
        root = Some(host.push_manifest(destination, media_type, bytes)?);
    }
    root.ok_or_else(|| Error::invalid("the publication names no destination"))
}

/// What is copied from one source.
struct Copied<'a> {
    source: &'a Reference,
    digests: Vec<String>,
    referrers: &'a [String],
}

/// Returns what is copied from each source. With all referrers, an index that stays whole is copied itself, because it may
/// have some. Referrers of a manifest that is written anew stay behind: they are not about the new one.
fn copies<'a>(found: &'a [Found], composed: &Composed, referrers: &'a [String]) -> Vec<Copied<'a>> {
    let (root, all) = (&composed.content.descriptor.digest, referrers.iter().any(|of| of == ALL));
    let is_rewritten = |digest: &Digest| composed.rewritten.iter().any(|one| one.of == *digest);
    let mut copies = Vec::new();
    for (place, Found { reference: source, source: content, .. }) in found.iter().enumerate() {
        if all && !composed.sparse && content.digest() == root {
            copies.push(Copied { source, digests: vec![root.as_str().to_owned()], referrers });
            continue;
        }
        let needed = composed.needed.iter().filter(|needed| needed.source == place);
        let digests = needed.map(|needed| &needed.descriptor.digest);
        let (old, kept): (Vec<&Digest>, Vec<&Digest>) = digests.partition(|digest| is_rewritten(digest));
        for (digests, referrers) in [(kept, referrers), (old, &[])] {
            if !digests.is_empty() {
                let digests = digests.into_iter().map(|digest| digest.as_str().to_owned()).collect();
                copies.push(Copied { source, digests, referrers });
            }
        }
    }
    copies
}

/// Checks that a destination with a digest names the result. The host does that at the push, which is the last step.
fn names(destination: &Reference, Content { descriptor, .. }: &Content) -> Result<(), Error> {
    let Some(text) = &destination.digest else { return Ok(()) };
    let wanted: Digest = text.parse().map_err(Error::invalid)?;
    // The host computes a digest of another algorithm.
    let actual = &descriptor.digest;
    match wanted.algorithm() == actual.algorithm() && wanted != *actual {
        true => Err(Error::invalid(format_args!(
            "cannot push {destination}: the content has the digest {actual}, not {wanted}"
        ))),
        false => Ok(()),
    }
}

/// Returns whether two references are in the same repository.
fn is_at(one: &Reference, other: &Reference) -> bool {
    one.registry == other.registry && one.repository == other.repository
}

/// Returns the artifact types of the referrers that come along: those that buildx copies, and what the operator adds.
fn referrers(host: &impl PublishingHost) -> Vec<String> {
    let more = host.setting("referrers").unwrap_or_default();
    let more: Vec<&str> = more.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
    match more.contains(&ALL) {
        true => vec![ALL.to_owned()],
        false => COPIED_REFERRERS.into_iter().chain(more).map(str::to_owned).collect(),
    }
}
