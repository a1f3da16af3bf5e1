//! The rows as publications, natively: the default policy resolves the sources.

use refkit_default::Default;
use refkit_oci::annotation::Level;
use refkit_publish::Publish;
use refkit_publishing::testing::{Registries, Registry, reference};
use refkit_publishing::{Annotation, AnnotationTarget, Publication, Published, Source};
use refkit_support::image::Image;

use crate::asked::{self, Asked, DESTINATION, REPOSITORY};
use crate::rows::{Fixtures, rows};

#[test]
fn publications_become_what_the_table_says() {
    let fixtures = Fixtures::new();
    let rows = rows(&fixtures);
    let asked = asked::asked(&fixtures, &rows);
    let failed: Vec<String> = asked.iter().filter_map(failure).collect();
    assert!(failed.is_empty(), "{} of {} rows failed\n{}", failed.len(), asked.len(), failed.join("\n"));
}

fn failure(asked: &Asked<'_>) -> Option<String> {
    let mut registry = Registry::new();
    asked.images.iter().for_each(|image| add(&mut registry, image));
    for document in &asked.documents {
        registry.manifest(REPOSITORY, None, &document.descriptor.media_type, &document.bytes);
    }
    asked.settings.iter().for_each(|(name, value)| registry.set(name, value));
    registry.then::<Default>();
    let mut registries = Registries::new(registry);
    if asked.sparse {
        registries.sparse();
    }
    let destination = reference(DESTINATION).expect("a reference");
    let outcome = registries.run::<Publish>(Publication {
        sources: asked.sources.iter().map(source).collect(),
        destinations: vec![destination.clone()],
        platforms: asked.platforms.iter().cloned().map(Into::into).collect(),
        annotations: asked.annotations.iter().map(annotation).collect(),
        prefer_index: asked.prefer_index,
    });
    let held = registries.held(&destination).map(|held| held.descriptor.digest.parse().expect("a digest"));
    asked.unmet(&match outcome {
        Ok(Published::Published(_)) => Ok(held),
        Ok(Published::Denied(denials)) => Err(format!("denied: {denials:?}")),
        Err(error) => Err(error.message),
    })
}

fn source(source: &asked::Source) -> Source {
    let at = reference(&format!("{REPOSITORY}@{}", source.digest)).expect("a reference");
    Source { reference: at, descriptor: source.descriptor.clone() }
}

fn annotation((level, key, value): &(Level, String, String)) -> Annotation {
    let (target, platform) = match level {
        Level::Index => (AnnotationTarget::Index, None),
        Level::Manifest(platform) => (AnnotationTarget::Manifest, platform.clone()),
        Level::ManifestDescriptor(platform) => (AnnotationTarget::ManifestDescriptor, platform.clone()),
        Level::IndexDescriptor => panic!("a publication has no such annotation"),
    };
    Annotation { target, platform: platform.map(Into::into), key: key.clone(), value: value.clone() }
}

fn add(registry: &mut Registry, image: &Image) {
    for (_, bytes) in image.blobs() {
        registry.blob(REPOSITORY, bytes);
    }
    image.children().iter().for_each(|child| add(registry, child));
    registry.manifest(REPOSITORY, None, &image.descriptor.media_type, &image.bytes);
}
