//! A transport that resolves by itself: documents are read where a policy that may read them looks at the answer, and
//! nowhere else, because a transport may not show them or be slow to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit::{Chain, Delegate, Delegated, Outcome, Request};
use refkit_content::{
    Body, Content, Discover, Error, ErrorKind, Fetch, Memory, Operation, Origin, Resolve, WithOrigin,
};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};
use refkit_tests::components::{ALLOW_LIST, REDIRECT, REQUIRE_LABEL};
use refkit_tests::stage::{self, ENGINE, Stage};

/// A transport over images in memory that counts the documents that are read of it, and vouches for a config with a
/// label.
struct Transport {
    memory: Memory,
    reads: AtomicUsize,
    resolved: Mutex<Vec<String>>,
}

const VOUCHED: &str = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"label":"one"}}}"#;

#[async_trait]
impl Resolve for Transport {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.memory.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.memory.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Transport {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        // It has the config that it vouched for.
        if !media_type::is_config(&descriptor.media_type) {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        self.memory.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Transport {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        self.memory.tags(repository).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        _: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let problem = ErrorKind::Unsupported("a transport lists no referrers".into());
        Err(Error::new(Operation::Referrers, format!("{repository}@{subject}"), problem))
    }
}

#[async_trait]
impl Delegate for Transport {
    fn platform(&self) -> Platform {
        "linux/amd64".parse().expect("a platform")
    }

    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Delegated>, Error> {
        self.resolved.lock().push(reference.to_string());
        let root = Resolve::resolve(&self.memory, reference).await?.value.digest;
        let digest = refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, VOUCHED.as_bytes());
        self.memory.insert(&reference.with_digest(digest), stage::CONFIG, VOUCHED);
        let config = Some(Bytes::from_static(VOUCHED.as_bytes()));
        Ok(WithOrigin { value: Delegated { root, config }, origin: Origin::Memory })
    }
}

/// Returns what a chain decides of `registry.test/app:1`, how often something was read, and what was vouched for.
async fn decided(stage: Stage) -> (Outcome, usize, Vec<String>) {
    let transport =
        Arc::new(Transport { memory: stage.memory.clone(), reads: AtomicUsize::new(0), resolved: Mutex::default() });
    let chain = Chain::load(&ENGINE, stage.chain.into_iter().collect(), &[]).await.expect("a test's chain loads");
    let resolver =
        chain.resolver(transport.clone()).delegate(transport.clone()).grants(refkit::Grants::new(stage.grants));
    let reference = "registry.test/app:1".parse().expect("a reference");
    let request = Request::new(reference).platform(transport.platform()).with_configs();
    let outcome = resolver.session(request).resolve().await.expect("a decision");
    let vouched = transport.resolved.lock().clone();
    (outcome, transport.reads.load(Ordering::Relaxed), vouched)
}

fn config(outcome: &Outcome) -> (&str, &[u8]) {
    let Outcome::Resolved(resolution) = outcome else { panic!("{outcome:?}") };
    let image = resolution.images[0].as_ref().expect("an image");
    let config = image.config.as_ref().expect("a config");
    (resolution.reference.repository().path(), resolution.bytes(&config.digest).expect("its bytes"))
}

#[tokio::test]
async fn an_allow_list_reads_no_documents() {
    let stage = Stage::new().policy(ALLOW_LIST, &[("allow", "registry.test/app")]);
    let (outcome, reads, vouched) = decided(stage).await;
    assert_eq!(config(&outcome), ("app", VOUCHED.as_bytes()));
    assert_eq!((reads, vouched), (0, vec!["registry.test/app:1".to_owned()]));
}

#[tokio::test]
async fn an_allow_list_sees_what_is_taken_instead_and_reads_no_documents() {
    let redirect = [("from", "registry.test/app"), ("to", "registry.test/other")];
    for (allow, allowed) in [("registry.test/*", true), ("registry.test/app", false)] {
        let stage = Stage::new().grant("registry.test/other").policy(ALLOW_LIST, &[("allow", allow)]);
        let (outcome, reads, vouched) = decided(stage.policy(REDIRECT, &redirect)).await;
        assert_eq!((reads, vouched), (0, vec!["registry.test/other:1".to_owned()]), "{allow}");
        match outcome {
            Outcome::Denied { policy, denials } if !allowed => {
                assert_eq!(policy, "allow-list");
                let wanted = "registry.test/other:1, which is taken instead of registry.test/app:1, matches none";
                assert!(denials[0].message.starts_with(wanted), "{denials:?}");
            }
            outcome => assert_eq!((config(&outcome).0, allowed), ("other", true), "{allow}"),
        }
    }
}

#[tokio::test]
async fn a_policy_that_may_read_documents_sees_them_through_others() {
    for (outer, inner) in [(REQUIRE_LABEL, ALLOW_LIST), (ALLOW_LIST, REQUIRE_LABEL)] {
        let settings = |component: &[u8]| match component == ALLOW_LIST {
            true => [("allow", "registry.test/app")],
            false => [("label", "label=one")],
        };
        let stage = Stage::new().policy(outer, &settings(outer)).policy(inner, &settings(inner));
        let (outcome, reads, _) = decided(stage).await;
        assert_eq!(config(&outcome).1, VOUCHED.as_bytes());
        // The index, of which the default policy takes the image for the platform.
        assert!(reads > 0);
    }
}

/// A delegate stands behind the default policy, and nowhere else: it never answers for the policy that stands last of the
/// others.
#[tokio::test]
async fn a_denying_policy_denies_over_a_delegate() {
    let stage = Stage::new().policy(ALLOW_LIST, &[("allow", "registry.test/other")]);
    let (outcome, reads, resolved) = decided(stage).await;
    let Outcome::Denied { policy, denials } = outcome else { panic!("{outcome:?}") };
    assert_eq!((policy.as_str(), denials[0].policy()), ("allow-list", "allow-list"));
    assert_eq!((reads, resolved), (0, Vec::<String>::new()));
}
