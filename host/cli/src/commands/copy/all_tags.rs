//! The copy of all tags of a repository.

use refkit::PublishRequest;
use refkit_oci::{Pattern, Reference, Repository};
use refkit_report::{ErrorMessage, Escaped};

use super::one::What;
use crate::arguments::PublishOptions;
use crate::error::CommandError;
use crate::hints;
use crate::output::Output;
use crate::prepared_publish::PreparedPublish;

/// Copies all tags that match, one after the other, and prints each as it is done. Whatever becomes of one, the others
/// are copied, unless a host cannot be reached twice in a row: they would wait for it as long. Once may be due to the tag.
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
    let mut skipped: Vec<String> =
        prepared.places.names_without_tag(&from).into_iter().map(|name| passed_over(source, name)).collect();
    let mut wanted = Vec::new();
    for tag in tags {
        let Ok(tagged) = Reference::new(from.clone(), Some(tag.clone()), None) else {
            skipped.push(passed_over(source, &tag));
            continue;
        };
        if pattern.as_ref().is_none_or(|pattern| pattern.matches(&tagged)) {
            let destination = Reference::new(to.clone(), Some(tag), None)?;
            wanted.push(what.request(tagged, destination));
        }
    }
    let mut output = Output::of_messages(skipped);
    if wanted.is_empty() {
        output.print_so_far();
        let text = match pattern {
            Some(pattern) => format!("no tag of {source} matches {pattern}"),
            None => format!("{source} has no tags"),
        };
        return Err(CommandError::failed(refkit::ErrorCode::NotFound, text).into());
    }
    each(&prepared, wanted, &mut output).await?;
    output.messages.extend(prepared.notes());
    Ok(output)
}

async fn each(prepared: &PreparedPublish, wanted: Vec<PublishRequest>, output: &mut Output) -> anyhow::Result<()> {
    // What is not in its archive yet is not printed.
    let later = prepared.places.writes_archives();
    let (mut left, mut any, mut lost_before) = (wanted.len(), false, false);
    for request in wanted {
        left -= 1;
        let result = prepared.publish_part(request).await.one_of_several();
        any |= result.published().is_ok();
        output.add(prepared.output_of_part(&result));
        let lost = result.error().and_then(|error| Some((error.code(), hints::lost_host(error)?)));
        let ends = lost.is_some() && lost_before;
        lost_before = lost.is_some();
        if let Some((code, host)) = lost.filter(|_| ends && left > 0) {
            let tags = if left == 1 { "tag is" } else { "tags are" };
            let text = format_args!("{left} more {tags} not copied: {host} cannot be reached");
            output.messages.push(ErrorMessage::new(code, text).to_string());
        }
        if !later {
            output.print_so_far();
        }
        if ends {
            break;
        }
    }
    if any {
        prepared.places.finish().await?;
    }
    Ok(())
}

/// Returns the note about a name that no other place takes as a tag, escaped.
fn passed_over(source: &str, name: &str) -> String {
    Escaped(format!("note: {source} has the name {name:?}, which is no tag: it is not copied")).to_string()
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
