//! Clients, images and requests that these tests share.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::{Content, Error, ErrorKind, Fetch, Resolve, fetch};
use refkit_oci::document::{self, Document, Limits};
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_registry::{Client, ClientBuilder, CredentialSource, Credentials, Retries, Timeouts};
use refkit_support::FaultRegistry;
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

pub const USER: (&str, &str) = ("user", "p@ss:word");

pub struct Fixed(pub Credentials);

#[async_trait]
impl CredentialSource for Fixed {
    async fn credentials(&self, _registry: &str) -> Result<Credentials, ErrorKind> {
        Ok(self.0.clone())
    }
}

pub fn user() -> Credentials {
    Credentials::Basic { username: USER.0.to_owned(), password: USER.1.to_owned().into() }
}

/// Returns the settings of a client with short timeouts.
pub fn builder(credentials: Credentials) -> ClientBuilder {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts::default().connect(second).head(second).idle(second);
    let builder = Client::builder().credentials(Arc::new(Fixed(credentials))).timeouts(timeouts);
    builder.retries(Retries::NONE).system_roots(false)
}

/// Returns a client that repeats no request.
pub fn client(credentials: Credentials) -> Client {
    builder(credentials).build()
}

pub fn anonymous() -> Client {
    client(Credentials::Anonymous)
}

pub fn reference(host: &str, rest: &str) -> Reference {
    Reference::parse(&format!("{host}/app{rest}")).expect("a reference")
}

pub fn repository(host: &str) -> Repository {
    Repository::new(host, "app").expect("a repository")
}

/// Returns an index of one image.
pub fn image() -> Image {
    IndexBuilder::new()
        .add(ImageBuilder::new("linux/arm64").layer("application/vnd.oci.image.layer.v1.tar", "l").build())
        .build()
}

/// Returns a registry that has this image under `latest`.
pub async fn filled() -> FaultRegistry {
    let registry = FaultRegistry::start().expect("a registry");
    image().push(&anonymous(), &reference(&registry.host(), ":latest")).await.expect("a push");
    registry.clear();
    registry
}

/// Returns the index, the manifest and the config of a reference, as a resolution reads them.
pub async fn walk(client: &(impl Resolve + Fetch), reference: &Reference) -> Result<(Content, Bytes, Bytes), Error> {
    let root = client.pull(reference).await?.value;
    let limits = Limits::default();
    let Ok(Document::Index(index)) = document::read(Some(&root.descriptor.media_type), &root.bytes, &limits) else {
        panic!("{:?} is no index", root.descriptor);
    };
    let manifest = read(client, reference.repository(), &index.manifests[0]).await?;
    let Ok(Document::Manifest(read_manifest)) = document::read(None, &manifest, &limits) else {
        panic!("{manifest:?} is no manifest");
    };
    let config = read(client, reference.repository(), &read_manifest.config).await?;
    Ok((root, manifest, config))
}

pub async fn read(client: &(impl Fetch + ?Sized), from: &Repository, what: &Descriptor) -> Result<Bytes, Error> {
    Ok(fetch(client, from, what, 4 << 20).await?.value)
}

/// Moves the clock of this test forward. The clock is paused only during this call, because real connections need real
/// time.
pub async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Returns the error of a result that must be one.
pub fn error_of<T>(answer: Result<T, Error>) -> ErrorKind {
    match answer {
        Ok(_) => panic!("there is an answer, and there should be none"),
        Err(error) => error.kind,
    }
}
