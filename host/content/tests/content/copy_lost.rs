//! Destinations that say that they have content, and lack it when the manifest comes.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit_content::copy::{Options, Side};
use refkit_content::{Body, Content, Error, ErrorKind, Memory, Origin, Push, Resolve as _, copy};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

use crate::support::{expect, pinned, repository, tagged};

fn mirror() -> Repository {
    Repository::new("mirror.test", "copy/of/app").expect("a repository")
}

/// A destination that says once that it has some content.
#[derive(Clone, Default)]
struct Forgetful {
    held: Memory,
    claims: Arc<Mutex<HashSet<Digest>>>,
    /// Whether its errors name what is absent.
    names: bool,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Forgetful {
    fn new(claims: &[&Digest], names: bool) -> Self {
        let claims = claims.iter().map(|digest| (*digest).clone()).collect();
        Self { claims: Arc::new(Mutex::new(claims)), names, ..Self::default() }
    }

    fn count(&self, start: &str) -> usize {
        self.lines.lock().iter().filter(|line| line.starts_with(start)).count()
    }
}

#[async_trait]
impl Push for Forgetful {
    async fn has(&self, repository: &Repository, of: &Descriptor) -> Result<bool, Error> {
        Ok(self.claims.lock().remove(&of.digest) || self.held.has(repository, of).await?)
    }

    async fn push_blob(&self, repository: &Repository, of: &Descriptor, body: Body) -> Result<(), Error> {
        if self.claims.lock().remove(&of.digest) {
            return Ok(());
        }
        self.lines.lock().push(format!("blob {}", of.digest));
        self.held.push_blob(repository, of, body).await
    }

    async fn push_manifest(&self, to: &Reference, media_type: &str, bytes: Bytes) -> Result<Descriptor, Error> {
        self.lines.lock().push(format!("manifest {to}"));
        self.held.push_manifest(to, media_type, bytes).await.map_err(|mut error| {
            let said = error.kind.to_string();
            let absent = said.split([' ', ',']).filter_map(|word| word.parse().ok());
            let digests = absent.filter(|_| self.names).collect();
            error.kind = ErrorKind::Lacks { said: format!("MANIFEST_BLOB_UNKNOWN: {said}"), digests, withheld: false };
            error
        })
    }
}

fn image(name: &str) -> Image {
    ImageBuilder::new("linux/amd64").label("name", name).layer("a/b", name.to_owned()).build()
}

async fn filled(images: &[&Image]) -> Memory {
    let memory = Memory::new();
    for image in images {
        image.push(&memory, &tagged(&repository(), "1")).await.expect("a push");
    }
    memory
}

#[tokio::test]
async fn what_the_destination_lost_is_copied_again_once() {
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let outer = IndexBuilder::new().add(index.clone().without_platform()).build();
    let layer = &one.blobs()[1].0.digest;
    // What it claims to have; pushed manifests, pushes of blobs, the error. An error names one digest at most.
    for (name, root, claims, names, manifests, blobs, error) in [
        ("nothing", &index, vec![], true, 3, 4, None),
        ("a blob", &index, vec![layer], true, 4, 5, None),
        ("a blob, without its name", &index, vec![layer], false, 4, 5, None),
        ("a manifest", &index, vec![one.digest()], true, 4, 4, None),
        ("a manifest, without its name", &index, vec![one.digest()], false, 5, 6, None),
        ("a manifest of a nested index", &outer, vec![one.digest()], true, 5, 4, None),
        ("a manifest and a blob of it", &index, vec![one.digest(), layer], true, 5, 5, None),
        ("two manifests, of which one is named", &index, vec![one.digest(), two.digest()], true, 4, 4, None),
        ("two manifests, without their names", &index, vec![one.digest(), two.digest()], false, 4, 4, None),
    ] {
        let (from, to) = (filled(&[root]).await, Forgetful::new(&claims, names));
        let copied = copy(&from, &tagged(&repository(), "1"), &to, &tagged(&mirror(), "1")).await;
        expect(name, copied, error);
        assert_eq!((to.count("manifest "), to.count("blob ")), (manifests, blobs), "{name}: {:#?}", to.lines.lock());
        assert_eq!(to.held.resolve(&tagged(&mirror(), "1")).await.is_ok(), error.is_none(), "{name}");
    }
}

/// The caller copied the content before, and pushes the manifest itself.
#[tokio::test]
async fn a_push_copies_again_what_is_lost_and_not_what_was_left_out() {
    let (one, two) = (image("one"), image("two"));
    let index = IndexBuilder::new().add(one.clone()).add(two.clone()).build();
    let chosen = [two.digest().clone()];
    for (name, options, source, error) in [
        ("all", Options::default(), filled(&[&index]).await, None),
        (
            "one is left out",
            Options::default().without(chosen),
            filled(&[&index]).await,
            Some("the copy left out what was not chosen: sha256:"),
        ),
        ("the source lacks it as well", Options::default(), filled(&[&one]).await, Some("it cannot be sent again: ")),
    ] {
        let to = Forgetful::new(&[], true);
        one.push(&to.held, &pinned(&mirror(), one.digest())).await.expect("a push");
        let content = Content { descriptor: index.descriptor.clone(), bytes: index.bytes.clone() };
        let home = repository();
        let from = (&source, &home, &Origin::Memory);
        let (there, place) = (tagged(&mirror(), "1"), mirror());
        let pushed = options.between(from, (&to, &place)).push(content, &there).await;
        if let Err(failed) = &pushed {
            let text = failed.to_string();
            assert_eq!(failed.side, Side::Destination, "{name}: {text}");
            assert!(text.contains("MANIFEST_BLOB_UNKNOWN") && text.contains(two.digest().as_str()), "{name}: {text}");
            assert_eq!(text.contains("(linux/amd64)"), name.contains("left out"), "{name}: {text}");
        }
        expect(name, pushed, error);
        let held = to.held.resolve(&pinned(&mirror(), two.digest())).await.is_ok();
        assert_eq!(held, error.is_none(), "{name}");
    }
}
