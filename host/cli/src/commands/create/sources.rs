//! The sources of the command line: references, digests and descriptors.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;
use refkit::PublishSource;
use refkit_oci::{Digest, Reference, Repository};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::oneshot;

use crate::error::CommandError;
use crate::places::Places;

/// The largest file with a source, in bytes: a descriptor may have annotations, and the content itself in `data`.
const FILE_LIMIT: u64 = 4 << 20;

/// Reads a file with a source. Standard input or a pipe may keep it waiting: no thread of the runtime waits, which would
/// keep a stopped command from its end.
///
/// # Errors
/// The error of a file that cannot be read; a usage error for one that is too large or no text.
pub async fn of_file(path: &Path) -> anyhow::Result<String> {
    let (send, receive) = oneshot::channel();
    let named = path.to_owned();
    let thread = std::thread::Builder::new().name("source".to_owned());
    thread.spawn(move || send.send(read_file(&named)))?;
    receive.await?
}

fn read_file(path: &Path) -> anyhow::Result<String> {
    let context = || format!("cannot read the source {}", path.display());
    let mut bytes = Vec::new();
    let mut limited: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin().lock().take(FILE_LIMIT + 1)),
        _ => Box::new(File::open(path).with_context(context)?.take(FILE_LIMIT + 1)),
    };
    limited.read_to_end(&mut bytes).with_context(context)?;
    let malformed = |what| CommandError::usage(format_args!("the source {} {what}", path.display()));
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(malformed("has more than 4 MiB").into());
    }
    let text = String::from_utf8(bytes).map_err(|_| malformed("is no text"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(malformed("is empty").hint(FILES).into());
    }
    // The document itself is what a user has at hand most often.
    match serde_json::from_str::<Document>(text) {
        Ok(Document { layers: Some(_), .. }) => {
            Err(malformed("is a manifest, not its descriptor").hint(DOCUMENTS).into())
        }
        Ok(Document { manifests: Some(_), .. }) => {
            Err(malformed("is an index, not its descriptor").hint(DOCUMENTS).into())
        }
        _ => Ok(text.to_owned()),
    }
}

/// How many characters of a malformed descriptor an error shows.
const SHOWN: usize = 120;

/// What such a file may have.
const FILES: &str = "it has a descriptor in JSON, a reference or a digest";

/// What to do with the document itself.
const DOCUMENTS: &str =
    "name the layout that has it: oci-layout:PATH, or its descriptor: {\"mediaType\": …, \"digest\": …, \"size\": …}";

/// What tells an index or a manifest from a descriptor.
#[derive(Deserialize)]
struct Document {
    layers: Option<IgnoredAny>,
    manifests: Option<IgnoredAny>,
}

/// What a text says of a source, before it is clear which repository one without a name is in.
enum Text {
    Named(Reference),
    Digest(Digest, Option<String>),
}

/// Returns the sources. One that names no repository is in the only one that the others and the destinations name.
///
/// # Errors
/// A usage error for a text that names no source; the error of a layout that cannot be read.
pub async fn read(
    texts: &[String],
    destinations: &[Reference],
    places: &mut Places,
) -> anyhow::Result<Vec<PublishSource>> {
    let mut read = Vec::with_capacity(texts.len());
    for text in texts {
        read.push(match nameless(text)? {
            Some(nameless) => nameless,
            None => Text::Named(places.source(text).await?),
        });
    }
    let named = read.iter().filter_map(|text| match text {
        Text::Named(reference) => Some(reference),
        Text::Digest(..) => None,
    });
    let mut repositories: Vec<Repository> = named.chain(destinations).map(|one| one.repository().clone()).collect();
    repositories.sort_unstable();
    repositories.dedup();
    let sources = read.into_iter().map(|text| match text {
        Text::Named(reference) => Ok(PublishSource { reference, descriptor: None }),
        Text::Digest(digest, descriptor) => match &repositories[..] {
            [one] => Ok(PublishSource { reference: Reference::to_digest(one.clone(), digest), descriptor }),
            other => Err(no_repository(&digest, other).into()),
        },
    });
    sources.collect()
}

/// Returns the digest or the descriptor that a text is; none for one that has to be a reference.
fn nameless(text: &str) -> Result<Option<Text>, CommandError> {
    if text.starts_with('{') {
        let malformed = |what: &dyn std::fmt::Display| {
            CommandError::usage(format_args!("{what} in the descriptor {}", begin(text)))
        };
        let found: Described = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        let digest = found.digest.parse().map_err(|error| malformed(&error))?;
        return Ok(Some(Text::Digest(digest, Some(text.to_owned()))));
    }
    if !text.contains('/') && ["sha256:", "sha384:", "sha512:"].iter().any(|start| text.starts_with(start)) {
        return Ok(Some(Text::Digest(text.parse().map_err(CommandError::usage)?, None)));
    }
    Ok(None)
}

/// Returns the beginning of a text that may be long.
fn begin(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The part of a descriptor that says which content is meant.
#[derive(Deserialize)]
struct Described {
    digest: String,
}

fn no_repository(digest: &Digest, named: &[Repository]) -> CommandError {
    let names: Vec<String> = named.iter().map(ToString::to_string).collect();
    let text = match names.is_empty() {
        true => format!("{digest} is in no repository that the command names"),
        false => format!("{digest} may be in any of {}", names.join(", ")),
    };
    CommandError::usage(text).hint(format_args!("write REPOSITORY@{digest}"))
}
