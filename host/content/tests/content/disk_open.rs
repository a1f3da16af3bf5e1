//! The cache shares content that a registry returns without credentials, and returns other content to the same
//! credentials alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use refkit_content::{
    Body, Cache, CacheOptions, Cached, Content, Discover, DiskCache, Error, ErrorCode, ErrorKind, Fetch,
    MANIFEST_LIMIT, Operation, Principal, Pull, Resolve, WithOrigin, fetch,
};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_support::image::Image;

use crate::disk::{ROOM, open};
use crate::disk_modes::{offline, pull, stale};
use crate::registry::Ask::{Blob, Get, Head, Referrers, Tags};
use crate::registry::Registry;
use crate::support::{pinned, repository, tagged};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A client that first sends no credentials, and looks them up after a challenge.
#[derive(Clone)]
struct Person {
    registry: Registry,
    /// Whether the registry sends a challenge.
    private: Arc<AtomicBool>,
    /// The credentials; none if their lookup fails.
    credentials: Option<u8>,
    looked_up: Arc<AtomicUsize>,
    sent: Arc<AtomicBool>,
}

impl Person {
    fn new(registry: &Registry, private: &Arc<AtomicBool>, credentials: Option<u8>) -> Self {
        let (registry, private) = (registry.by(credentials.unwrap_or_default()), Arc::clone(private));
        Self { registry, private, credentials, looked_up: Arc::default(), sent: Arc::default() }
    }

    fn look_up(&self) -> Result<u8, Error> {
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        let missing = || ErrorKind::Unauthorized("the helper is missing".to_owned());
        self.credentials.ok_or_else(|| Error::new(Operation::Resolve, "it", missing()))
    }

    fn knock(&self) -> Result<(), Error> {
        if self.private.load(Ordering::Relaxed) {
            self.look_up()?;
            self.sent.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Returns a source for a new process of this user.
    fn on(&self, disk: &DiskCache, options: CacheOptions) -> (Cached<Self>, Self) {
        let person = Self { looked_up: Arc::default(), sent: Arc::default(), ..self.clone() };
        (Cached::on_disk(person.clone(), disk.clone(), options), person)
    }

    fn looked_up(&self) -> usize {
        self.looked_up.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl Resolve for Person {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.knock()?;
        self.registry.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.knock()?;
        self.registry.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Person {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        self.knock()?;
        self.registry.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Person {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.knock()?;
        self.registry.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        self.knock()?;
        self.registry.referrers(repository, subject, artifact_type).await
    }
}

#[async_trait]
impl Principal for Person {
    async fn principal(&self, _: &Repository) -> Result<[u8; 32], Error> {
        Ok([self.look_up()?; 32])
    }

    async fn anonymous(&self, _: &Repository) -> Option<[u8; 32]> {
        Some([0; 32])
    }

    fn is_anonymous(&self, _: &Repository) -> bool {
        !self.sent.load(Ordering::Relaxed)
    }
}

/// Reads an image, its large layer, and the lists; returns the errors.
async fn everything(cached: &Cached<Person>, tag: &str, image: &Image, layer: &Descriptor) -> Vec<Error> {
    let child = &image.children()[0];
    let read_layer = async {
        let body = cached.open(&repository(), layer).await?;
        body.stream.try_fold(0, |sum, piece| async move { Ok(sum + piece.len() as u64) }).await
    };
    [
        cached.pull(&tagged(&repository(), tag)).await.map(drop),
        cached.resolve(&pinned(&repository(), image.digest())).await.map(drop),
        fetch(cached, &repository(), &child.descriptor, MANIFEST_LIMIT).await.map(drop),
        fetch(cached, &repository(), &child.blobs()[0].0, MANIFEST_LIMIT).await.map(drop),
        read_layer.await.map(|read| assert_eq!(read, layer.size)),
        cached.tags(&repository()).await.map(drop),
        cached.referrers(&repository(), child.digest(), None).await.map(drop),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect()
}

fn blobs(options: CacheOptions) -> CacheOptions {
    options.blobs(true)
}

struct Stage {
    registry: Registry,
    image: Image,
    layer: Descriptor,
    private: Arc<AtomicBool>,
    _directory: tempfile::TempDir,
    disk: DiskCache,
}

async fn stage(private: bool) -> Stage {
    let (registry, image) = Registry::filled().await;
    let layer = registry.blob(LAYER, &vec![7; MANIFEST_LIMIT as usize + 77]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let disk = open(&directory).await;
    Stage { registry, image, layer, private: Arc::new(AtomicBool::new(private)), _directory: directory, disk }
}

#[tokio::test]
async fn open_content_needs_no_credentials_and_is_shared() {
    let Stage { registry, image, layer, private, disk, .. } = &stage(false).await;
    let (alice, bob) = (Person::new(registry, private, Some(1)), Person::new(registry, private, None));
    let memory = Cache::new(ROOM);
    let (cached, alice) = alice.on(disk, blobs(CacheOptions::default()));
    let cached = cached.with_memory(memory.clone());
    assert!(everything(&cached, "1.0", image, layer).await.is_empty());
    assert_eq!(registry.asked(), [Get, Blob, Blob, Blob, Tags, Referrers]);
    // The lookup of Bob's credentials fails.
    for (options, asked) in [
        (CacheOptions::default(), vec![Head, Tags, Referrers]),
        (pull(Pull::Always), vec![Head, Head, Tags, Referrers]),
        (pull(Pull::Never), vec![]),
        (offline(), vec![]),
        (stale(), vec![Head, Tags, Referrers]),
    ] {
        let (cached, bob) = bob.on(disk, blobs(options));
        let failed = everything(&cached.with_memory(memory.clone()), "1.0", image, layer).await;
        assert!(failed.is_empty(), "{options:?}: {failed:?}");
        assert_eq!((registry.asked(), bob.looked_up()), (asked, 0), "{options:?}");
    }
    // A miss is reported as a miss.
    let (cached, bob) = bob.on(disk, offline());
    let missed = cached.pull(&tagged(&repository(), "other")).await.expect_err("it was never there");
    assert!(matches!(missed.kind, ErrorKind::NotCached(_)), "{missed}");
    assert_eq!((alice.looked_up(), bob.looked_up()), (0, 0));
    let info = disk.info().await.expect("info");
    assert_eq!((info.contents, info.grants, info.tags, info.lists), (4, 4, 1, 2));
    assert_eq!(disk.verify(false).await.expect("a check").wrong.len(), 0);
}

#[tokio::test]
async fn private_content_is_for_the_same_credentials() {
    let Stage { registry, image, layer, private, disk, .. } = &stage(true).await;
    let memory = Cache::new(ROOM);
    let hers = Person::new(registry, private, Some(1));
    let his = Person::new(&registry.only(1), private, Some(2));
    let nobodys = Person::new(&registry.only(1), private, None);
    let (cached, alice) = hers.on(disk, blobs(CacheOptions::default()));
    assert!(everything(&cached.with_memory(memory.clone()), "1.0", image, layer).await.is_empty());
    assert_eq!(registry.asked(), [Get, Blob, Blob, Blob, Tags, Referrers]);
    assert!(alice.looked_up() > 0);
    // Her next processes find a warm cache.
    for (options, asked) in [
        (CacheOptions::default(), vec![Head, Tags, Referrers]),
        (pull(Pull::Always), vec![Head, Head, Tags, Referrers]),
        (offline(), vec![]),
    ] {
        let (cached, alice) = hers.on(disk, blobs(options));
        assert!(everything(&cached, "1.0", image, layer).await.is_empty(), "{options:?}");
        assert_eq!(registry.asked(), asked, "{options:?}");
        assert!(alice.looked_up() > 0);
    }
    for options in [CacheOptions::default(), stale(), pull(Pull::Always), pull(Pull::Never), offline()] {
        let closed = options == offline() || options == pull(Pull::Never);
        for person in [&his, &nobodys] {
            let (cached, _) = person.on(disk, blobs(options));
            let failed = everything(&cached.with_memory(memory.clone()), "1.0", image, layer).await;
            assert_eq!(failed.len(), 7, "{options:?}: {failed:?}");
            // A failed lookup of credentials is reported as such, whatever the cache has.
            let code =
                if closed && person.credentials.is_some() { ErrorCode::Unavailable } else { ErrorCode::Unauthorized };
            assert!(failed.iter().all(|error| error.code() == code), "{options:?}: {failed:?}");
        }
    }
    let info = disk.info().await.expect("info");
    assert_eq!((info.contents, info.grants, info.tags, info.lists), (4, 4, 1, 2));
}

/// A repository that becomes private: the cache still shares earlier responses, and keeps later ones for their
/// credentials.
#[tokio::test]
async fn a_repository_that_becomes_private() {
    let Stage { registry, image, layer, private, disk, .. } = &stage(false).await;
    let (alice, bob) = (Person::new(registry, private, Some(1)), Person::new(&registry.only(1), private, Some(2)));
    let (cached, _) = bob.on(disk, blobs(CacheOptions::default()));
    let failed = everything(&cached, "1.0", image, layer).await;
    assert_eq!(failed.len(), 7, "he may not even look: {failed:?}");
    let (cached, _) = alice.on(disk, blobs(CacheOptions::default()));
    assert!(everything(&cached, "1.0", image, layer).await.is_empty());
    private.store(true, Ordering::Relaxed);
    let secret = registry.image("1.0", b"secret").await;
    let newest = registry.image("2.0", b"newest").await;
    let (cached, _) = alice.on(disk, blobs(CacheOptions::default()));
    cached.resolve(&tagged(&repository(), "1.0")).await.expect("hers");
    cached.pull(&tagged(&repository(), "1.0")).await.expect("hers");
    cached.pull(&tagged(&repository(), "2.0")).await.expect("hers");
    let (hers, _) = alice.on(disk, offline());
    let (his, _) = bob.on(disk, offline());
    let old = his.pull(&tagged(&repository(), "1.0")).await.expect("what anybody got").value;
    assert_eq!(old.descriptor.digest, *image.digest());
    his.pull(&tagged(&repository(), "2.0")).await.expect_err("it was never anybody's");
    for hidden in [&secret, &newest] {
        his.pull(&pinned(&repository(), hidden.digest())).await.expect_err("it was never anybody's");
        hers.pull(&pinned(&repository(), hidden.digest())).await.expect("hers");
    }
    hers.pull(&tagged(&repository(), "2.0")).await.expect("hers");
}

/// A client that cannot tell which credentials it sent still returns the response, and the cache does not keep it.
#[tokio::test]
async fn a_response_to_unknown_credentials_is_not_kept() {
    let Stage { registry, image, layer, private, disk, .. } = &stage(false).await;
    let person = Person::new(registry, private, None);
    let (cached, person) = person.on(disk, blobs(CacheOptions::default()));
    person.sent.store(true, Ordering::Relaxed);
    assert!(everything(&cached, "1.0", image, layer).await.is_empty());
    let info = disk.info().await.expect("info");
    assert_eq!((info.grants, info.tags, info.lists), (0, 0, 0));
    let error = cached.for_run(offline()).pull(&tagged(&repository(), "1.0")).await.expect_err("it is not kept");
    assert!(error.to_string().contains("the helper is missing"), "{error}");
}
