//! The tables, natively: the default publisher and the default policy are after the tested one.

use refkit_default::Default;
use refkit_publish::Publish;
use refkit_publishing::testing::{Registries, Registry, reference};
use refkit_publishing::{Annotation, AnnotationTarget, Publication, Published, Publisher, Source};
use refkit_support::image::Image;

use super::table::{BEFORE, Row, contents, unmet};

/// Runs a table against a policy.
///
/// # Panics
/// Panics with every row that is not met.
pub fn check<P: Publisher>(rows: &[Row]) {
    let failed: Vec<String> = rows.iter().filter_map(failure::<P>).collect();
    assert!(failed.is_empty(), "{} of {} rows failed\n{}", failed.len(), rows.len(), failed.join("\n"));
}

fn failure<P: Publisher>(row: &Row) -> Option<String> {
    let mut registry = Registry::new();
    for (name, image) in contents() {
        add(&mut registry, "registry.test/app", Some(name), &image);
        for (tag, _) in BEFORE.iter().filter(|(_, held)| *held == name) {
            add(&mut registry, "mirror.test/app", Some(*tag), &image);
        }
    }
    row.settings.iter().for_each(|(name, value)| registry.set(name, value));
    registry.then::<Default>();
    let mut registries = Registries::new(registry);
    registries.then::<Publish>();
    let at = |repository: &str, tag: &str| reference(&format!("{repository}:{tag}")).expect("a reference of a table");
    let sources = row.sources.iter().map(|tag| Source { reference: at("registry.test/app", tag), descriptor: None });
    let annotations = row.annotations.iter().map(|(key, value)| Annotation {
        target: AnnotationTarget::Index,
        platform: None,
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    });
    let outcome = registries.run::<P>(Publication {
        sources: sources.collect(),
        destinations: row.destinations.iter().map(|tag| at("mirror.test/app", tag)).collect(),
        platforms: Vec::new(),
        annotations: annotations.collect(),
        prefer_index: true,
    });
    let outcome = match outcome {
        Ok(Published::Published(_)) => "published".to_owned(),
        Ok(Published::Denied(denials)) => format!("denied {}: {}", denials[0].rule, denials[0].message),
        Err(error) => format!("error {}", error.message),
    };
    unmet(row, &outcome, |tag| registries.held(&at("mirror.test/app", tag)).map(|held| held.descriptor.digest))
}

fn add(registry: &mut Registry, repository: &str, tag: Option<&str>, image: &Image) {
    for (_, bytes) in image.blobs() {
        registry.blob(repository, bytes);
    }
    image.children().iter().for_each(|child| add(registry, repository, None, child));
    registry.manifest(repository, tag, &image.descriptor.media_type, &image.bytes);
}
