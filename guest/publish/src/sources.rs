//! The sources of a publication: resolved as the run's resolution policies decide, and read.

use refkit_oci::Content;
use refkit_publishing::{
    Absence, Denial, Error, Outcome, Parts, PublishingHost, Reference, Request, Selection, Source as Wanted,
};

use crate::compose::{Composed, Given, Source};
use crate::request::{self, Keeps};

/// A source that the policies allow.
pub struct Found {
    /// What the policies resolved; another reference than the publication's where one redirected it.
    pub reference: Reference,
    /// The manifest or the index.
    pub source: Source,
    /// The reasons for which policies refuse some of its images, with the manifests that they are about.
    pub denials: Vec<Denial>,
}

/// Returns the sources, or the reasons for which a policy refuses one. One that stays as it is needs no config.
///
/// # Errors
/// The registry's or the host's; `invalid` for a source that cannot be composed.
pub fn read(
    host: &impl PublishingHost,
    wanted: &[Wanted],
    keeps: Keeps,
) -> Result<Result<Vec<Found>, Vec<Denial>>, Error> {
    let mut found = Vec::with_capacity(wanted.len());
    for one in wanted {
        match source(host, one, keeps)? {
            Ok(source) => found.push(source),
            Err(denials) => return Ok(Err(denials)),
        }
    }
    Ok(Ok(found))
}

fn source(host: &impl PublishingHost, wanted: &Wanted, keeps: Keeps) -> Result<Result<Found, Vec<Denial>>, Error> {
    let request = Request { reference: wanted.reference.clone(), selection: Selection::All, parts: Parts::IMAGES };
    let resolved = match host.next(&request)? {
        Outcome::Resolved(resolved) => resolved,
        Outcome::Denied(denials) => return Ok(Err(denials)),
        Outcome::Next(_) => return Err(Error::invalid("the host answered with an outcome that no policy gets")),
    };
    let mut denials = Vec::new();
    for absence in resolved.images.into_iter().filter_map(Result::err) {
        match absence {
            Absence::Denied(reasons) => denials.extend(reasons),
            Absence::Failed(error) => return Err(error),
            Absence::NoMatch => {}
        }
    }
    // A reason that names no manifest is about all of them.
    if denials.iter().any(|denial| denial.subject.is_none()) {
        return Ok(Err(denials));
    }
    let reference = resolved.reference;
    let bytes = host.fetch(&reference, &resolved.root.digest)?;
    let mut descriptor = request::descriptor(resolved.root)?;
    // An entry of the new index has what its user states, and no platform that another index states of the root.
    descriptor.annotations.clear();
    descriptor.platform = None;
    if let Some(text) = &wanted.descriptor {
        let given = Given::read(text.as_bytes()).and_then(|given| given.over(descriptor));
        descriptor = given.map_err(|error| Error::invalid(format_args!("the descriptor for {reference}: {error}")))?;
    }
    let source = Source::new(Content { descriptor, bytes: bytes.into() });
    let mut source = source.map_err(|error| Error::invalid(format_args!("{reference}: {error}")))?;
    let config = source.config().filter(|_| !keeps.source(&source));
    if let Some(config) = config.map(|config| config.digest.as_str().to_owned()) {
        let bytes = host.fetch(&reference, &config)?;
        source = source.with_config(bytes.into());
    }
    Ok(Ok(Found { reference, source, denials }))
}

/// Returns the reasons that are about what the composition needs: images that a filter removed may be refused.
pub fn refused(found: &[Found], composed: &Composed) -> Vec<Denial> {
    let needs = |denial: &&Denial| {
        let subject = denial.subject.as_deref();
        composed.needed.iter().any(|needed| subject == Some(needed.descriptor.digest.as_str()))
    };
    found.iter().flat_map(|one| one.denials.iter().filter(needs)).cloned().collect()
}
