//! The destination of a publishing run.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use refkit_content::once::OnceMap;
use refkit_content::{Body, Error, Push};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

/// The destination of a run, which gets each blob and each manifest once. Copies that run side by side have content in
/// common, and a registry that gets the same blob twice at once can answer for a moment that it has none.
pub(super) struct Target {
    destination: Arc<dyn Push>,
    /// What is there, and whether it was mounted.
    blobs: OnceMap<(Repository, Digest), bool>,
    manifests: OnceMap<(Repository, Digest), Descriptor>,
}

impl Target {
    pub(super) fn new(destination: Arc<dyn Push>) -> Self {
        Self { destination, blobs: OnceMap::default(), manifests: OnceMap::default() }
    }

    /// Asks the destination again from now on: it refused a manifest, and may have lost what the manifest refers to.
    fn forget(&self, repository: &Repository) {
        self.blobs.shrink(0, |(of, _)| of != repository);
        self.manifests.shrink(0, |(of, _)| of != repository);
    }
}

#[async_trait]
impl Push for Target {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        self.destination.has(repository, descriptor).await
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        let mount = async {
            match self.destination.mount(repository, blob, from).await {
                Ok(true) => Ok(true),
                Ok(false) => Err(None),
                Err(error) => Err(Some(error)),
            }
        };
        match self.blobs.try_get((repository.clone(), blob.digest.clone()), mount).await {
            // A blob that was pushed says nothing about mounts, and its next push sends no request.
            Ok(mounted) => Ok(mounted),
            Err(None) => Ok(false),
            Err(Some(error)) => Err(error),
        }
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        let push = async { self.destination.push_blob(repository, descriptor, body).await.map(|()| false) };
        self.blobs.try_get((repository.clone(), descriptor.digest.clone()), push).await.map(drop)
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let repository = destination.repository();
        let push = self.destination.push_manifest(destination, media_type, bytes);
        let pushed = match (destination.tag(), destination.digest()) {
            (None, Some(digest)) => self.manifests.try_get((repository.clone(), digest.clone()), push).await,
            _ => push.await,
        };
        if pushed.is_err() {
            self.forget(repository);
        }
        pushed
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use refkit_content::{ErrorKind, Operation, Origin};
    use refkit_oci::Algorithm;

    use super::*;

    /// A destination that notes what it is asked, and mounts from one repository alone.
    #[derive(Default)]
    struct Noting(Mutex<Vec<String>>);

    #[async_trait]
    impl Push for Noting {
        async fn mount(&self, _: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
            tokio::task::yield_now().await;
            self.0.lock().push(format!("mount {} {}", blob.media_type, from.path()));
            Ok(from.path() == "near")
        }

        async fn push_blob(&self, to: &Repository, blob: &Descriptor, _: Body) -> Result<(), Error> {
            tokio::task::yield_now().await;
            self.0.lock().push(format!("push {} {}", blob.media_type, to.path()));
            Ok(())
        }

        async fn push_manifest(&self, to: &Reference, of: &str, bytes: Bytes) -> Result<Descriptor, Error> {
            tokio::task::yield_now().await;
            self.0.lock().push(format!("manifest {of}"));
            match of {
                "refused" => Err(Error::new(Operation::Push, to, ErrorKind::NotFound)),
                _ => Ok(Descriptor::new(of, digest(&bytes), bytes.len() as u64)),
            }
        }
    }

    fn digest(bytes: &[u8]) -> Digest {
        refkit_content::verify::digest(Algorithm::Sha256, bytes)
    }

    fn blob(name: &'static str) -> (Descriptor, Body) {
        let bytes = Bytes::from_static(name.as_bytes());
        (Descriptor::new(name, digest(&bytes), bytes.len() as u64), Body::from_bytes(Origin::Memory, bytes))
    }

    fn repository(name: &str) -> Repository {
        Reference::parse(&format!("registry.test/{name}")).expect("a reference").repository().clone()
    }

    #[tokio::test]
    async fn each_blob_is_sent_once_to_each_repository() {
        let noting = Arc::new(Noting::default());
        let target = &Target::new(noting.clone());
        let push = |to: &'static str| async move {
            let (descriptor, body) = blob("a");
            target.push_blob(&repository(to), &descriptor, body).await.expect("it is taken");
        };
        tokio::join!(push("to"), push("to"), push("other"));
        push("to").await;
        let mut sent = noting.0.lock().clone();
        sent.sort();
        assert_eq!(sent, ["push a other", "push a to"]);
    }

    #[tokio::test]
    async fn a_mounted_blob_is_there_and_another_is_pushed() {
        let noting = Arc::new(Noting::default());
        let target = &Target::new(noting.clone());
        let mount = |name, from: &'static str| async move {
            let (descriptor, _) = blob(name);
            target.mount(&repository("to"), &descriptor, &repository(from)).await.expect("it answers")
        };
        let push = |name| async move {
            let (descriptor, body) = blob(name);
            target.push_blob(&repository("to"), &descriptor, body).await.expect("it is taken");
        };
        assert_eq!(tokio::join!(mount("a", "near"), mount("a", "near")), (true, true));
        push("a").await;
        assert!(!mount("b", "far").await);
        push("b").await;
        assert!(!mount("b", "near").await, "it was pushed");
        push("b").await;
        assert_eq!(*noting.0.lock(), ["mount a near", "mount b far", "push b to"]);
    }

    #[tokio::test]
    async fn a_refused_manifest_makes_it_ask_again() {
        let noting = Arc::new(Noting::default());
        let target = &Target::new(noting.clone());
        let push = |of: &'static str, tag: Option<&str>| {
            let bytes = Bytes::from_static(of.as_bytes());
            let tag = tag.map(str::to_owned);
            let to = Reference::new(repository("to"), tag, Some(digest(&bytes))).expect("a reference");
            async move { target.push_manifest(&to, of, bytes).await.is_ok() }
        };
        assert_eq!(tokio::join!(push("m", None), push("m", None)), (true, true));
        assert!(push("m", Some("1")).await && push("m", Some("2")).await, "each tag is a request");
        assert!(!push("refused", None).await);
        assert!(push("m", None).await);
        let wanted = ["m", "m", "m", "refused", "m"].map(|of| format!("manifest {of}"));
        assert_eq!(*noting.0.lock(), wanted);
    }
}
