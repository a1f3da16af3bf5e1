//! The annotations of the command line as a publication takes them.

use refkit::{Annotation, AnnotationTarget};
use refkit_oci::annotation::{self, Level};

use crate::error::CommandError;

/// Returns an annotation of a publication for each place of each annotation.
///
/// # Errors
/// A usage error for one that is for the entry of the new index in another index.
pub fn of(annotations: &[annotation::Annotation]) -> Result<Vec<Annotation>, CommandError> {
    let places = annotations.iter().flat_map(|one| one.levels.iter().map(move |level| (one, level)));
    places.map(|(one, level)| place(one, level)).collect()
}

fn place(annotation: &annotation::Annotation, level: &Level) -> Result<Annotation, CommandError> {
    let (target, platform) = match level {
        Level::Index => (AnnotationTarget::Index, None),
        Level::ManifestDescriptor(platform) => (AnnotationTarget::ManifestDescriptor, platform.clone()),
        Level::Manifest(platform) => (AnnotationTarget::Manifest, platform.clone()),
        Level::IndexDescriptor => {
            let key = &annotation.key;
            let text = format_args!("no other index lists the new one: the annotation {key} has no index-descriptor");
            return Err(CommandError::usage(text).hint(format_args!("annotate the index itself: index:{key}=…")));
        }
    };
    Ok(Annotation { target, platform, key: annotation.key.clone(), value: annotation.value.clone() })
}
