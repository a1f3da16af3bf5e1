//! The copy of all tags of a repository.

use refkit_oci::{Pattern, Reference, Repository};
use refkit_report::Escaped;

use super::one::What;
use crate::arguments::PublishOptions;
use crate::error::CommandError;
use crate::output::Output;

/// Copies all tags that match, one after the other. Whatever becomes of one, the others are copied.
///
/// # Errors
/// A usage error, the error of a place, a policy or a file that cannot be used, or that of the list of tags.
pub async fn copy(
    (source, destination): (&str, &str),
    pattern: Option<&str>,
    what: &What,
    options: &PublishOptions,
) -> anyhow::Result<Output> {
    let mut places = what.places();
    let from = places.source_repository(source).await?;
    let to = places.destination_repository(destination).await?;
    let pattern = pattern.map(|text| matching(&from, text)).transpose()?;
    let prepared = what.prepare(places, options).await?;
    let tags = prepared.tags(&from).await?;
    let mut wanted = Vec::new();
    for tag in tags {
        let tagged = Reference::new(from.clone(), Some(tag), None)?;
        if pattern.as_ref().is_none_or(|pattern| pattern.matches(&tagged)) {
            let destination = Reference::new(to.clone(), tagged.tag().map(str::to_owned), None)?;
            wanted.push(what.request(tagged, destination));
        }
    }
    if wanted.is_empty() {
        let text = match pattern {
            Some(pattern) => format!("no tag of {source} matches {pattern}"),
            None => format!("{source} has no tags"),
        };
        return Err(CommandError::failed(refkit::ErrorCode::NotFound, text).into());
    }
    Ok(prepared.outputs(&prepared.publish_all(wanted).await?))
}

/// Returns the pattern for the tags of a repository.
///
/// # Errors
/// A usage error for a text that no tag can match.
fn matching(repository: &Repository, text: &str) -> Result<Pattern, CommandError> {
    Pattern::parse(&format!("{repository}:{text}")).map_err(|error| {
        CommandError::usage(format_args!("no tag can match {}: {error}", Escaped(text)))
            .hint("write a tag with *, such as --all-tags=1.*")
    })
}
