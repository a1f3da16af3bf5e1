//! What the destination of a run is asked, and what not.

use parking_lot::Mutex;
use refkit_content::{ErrorKind, Operation, Origin};
use refkit_oci::Algorithm;

use super::*;

/// A destination that notes what it is asked, and mounts from one repository alone.
#[derive(Default)]
struct Noting(Mutex<Vec<String>>);

#[async_trait]
impl Push for Noting {
    async fn tagged(&self, reference: &Reference) -> Result<Option<Digest>, Error> {
        self.0.lock().push(format!("tagged {}", reference.tag().unwrap_or_default()));
        Ok(Some(digest(b"m")))
    }

    async fn has(&self, _: &Repository, of: &Descriptor) -> Result<bool, Error> {
        self.0.lock().push(format!("has {}", of.media_type));
        Ok(of.media_type == media_type::MANIFEST)
    }

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

#[tokio::test]
async fn a_tag_that_names_the_manifest_is_not_written() {
    let noting = Arc::new(Noting::default());
    let target = &Target::new(noting.clone());
    let at = |tag: &str| Reference::new(repository("to"), Some(tag.to_owned()), None).expect("a reference");
    let push = |of: &'static str, tag: &str| {
        let to = at(tag);
        async move {
            let pushed = target.push_manifest(&to, of, Bytes::from_static(of.as_bytes())).await.expect("it is taken");
            assert_eq!(pushed, Descriptor::new(of, digest(of.as_bytes()), of.len() as u64));
        }
    };
    push("m", "1").await;
    for _ in 0..2 {
        assert_eq!(target.tagged(&at("2")).await.expect("it answers"), Some(digest(b"m")));
    }
    push("m", "2").await;
    push("n", "2").await;
    push("m", "2").await;
    let wanted = ["manifest m", "tagged 2", "manifest n", "manifest m"];
    assert_eq!(*noting.0.lock(), wanted);
}

#[tokio::test]
async fn a_manifest_that_is_there_is_not_pushed_until_another_is_refused() {
    let noting = Arc::new(Noting::default());
    let target = &Target::new(noting.clone());
    let push = |of: &'static str| async move {
        let bytes = Bytes::from_static(of.as_bytes());
        let to = Reference::to_digest(repository("to"), digest(&bytes));
        target.push_manifest(&to, of, bytes).await.is_ok()
    };
    for of in [media_type::MANIFEST, media_type::INDEX] {
        let descriptor = Descriptor::new(of, digest(of.as_bytes()), of.len() as u64);
        assert_eq!(target.has(&repository("to"), &descriptor).await.expect("it answers"), of == media_type::MANIFEST);
        assert!(push(of).await);
    }
    assert!(!push("refused").await && push(media_type::MANIFEST).await);
    let wanted = [
        format!("has {}", media_type::MANIFEST),
        format!("has {}", media_type::INDEX),
        format!("manifest {}", media_type::INDEX),
        "manifest refused".to_owned(),
        format!("manifest {}", media_type::MANIFEST),
    ];
    assert_eq!(*noting.0.lock(), wanted);
}
