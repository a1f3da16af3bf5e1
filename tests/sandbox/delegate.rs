//! A transport that resolves by itself: documents are read where a policy that may read them looks at the answer, and
//! nowhere else, because a transport may not show them or be slow to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use refkit::{Absence, Chain, Delegate, Delegated, Grants, Outcome, Request};
use refkit_content::{
    Body, Content, Discover, Error, ErrorKind, Fetch, Memory, Operation, Origin, Resolve, WithOrigin,
};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Platform, Reference, Repository};
use refkit_tests::components::{ALLOW_LIST, HOSTILE, REDIRECT, REQUIRE_LABEL};
use refkit_tests::stage::{self, ENGINE, Stage};

/// What the delegate answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// The root that the source has, and a config with the label `one`.
    Right,
    /// An error.
    Fails,
    /// A root that the source does not have.
    OtherRoot,
    /// The config of another image, with the label `two`.
    OtherConfig,
    /// No config.
    NoConfig,
}

/// A transport over images in memory. It counts the documents that a run reads of it, and notes what the delegate is
/// asked for.
struct Transport {
    memory: Memory,
    shows: bool,
    answers: Answers,
    reads: AtomicUsize,
    asked: Mutex<Vec<String>>,
}

const VOUCHED: &str = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"label":"one"}}}"#;
const OTHER: &str = r#"{"os":"linux","architecture":"amd64","config":{"Labels":{"label":"two"}}}"#;

/// The digest of a root that the source does not have.
fn elsewhere() -> Digest {
    refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, b"another root")
}

impl Transport {
    fn read(&self, operation: Operation, subject: impl std::fmt::Display) -> Result<(), Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let hidden = || ErrorKind::Unsupported("the transport shows no documents".into());
        if self.shows { Ok(()) } else { Err(Error::new(operation, subject, hidden())) }
    }
}

#[async_trait]
impl Resolve for Transport {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        self.memory.resolve(reference).await
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        self.read(Operation::Pull, reference)?;
        self.memory.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Transport {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        // It has the config that it vouched for.
        if !media_type::is_config(&descriptor.media_type) {
            self.read(Operation::Fetch, &descriptor.digest)?;
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
        self.asked.lock().push(reference.to_string());
        let root = match self.answers {
            Answers::Fails => {
                return Err(Error::new(Operation::Resolve, reference, ErrorKind::Unavailable("it is gone".into())));
            }
            Answers::OtherRoot => elsewhere(),
            _ => Resolve::resolve(&self.memory, reference).await?.value.digest,
        };
        let config = match self.answers {
            Answers::NoConfig => None,
            Answers::OtherConfig => Some(OTHER),
            _ => Some(VOUCHED),
        };
        if let Some(config) = config {
            let digest = refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, config.as_bytes());
            let config_name = Reference::new(reference.repository().clone(), None, Some(digest)).expect("a reference");
            self.memory.insert(&config_name, stage::CONFIG, config);
        }
        let config = config.map(|config| Bytes::from_static(config.as_bytes()));
        Ok(WithOrigin { value: Delegated { root, config }, origin: Origin::Memory })
    }
}

/// What came of a run.
struct Ran {
    outcome: Result<Outcome, refkit::Error>,
    /// How many documents the run read.
    reads: usize,
    /// What the delegate was asked for.
    asked: Vec<String>,
}

/// A chain, with the images and the grants of its runs.
struct Loaded {
    chain: Chain,
    grants: Grants,
}

impl Loaded {
    async fn new(stage: Stage) -> Self {
        let chain = Chain::load(&ENGINE, stage.chain.into_iter().collect(), &[]).await.expect("a test's chain loads");
        Self { chain, grants: Grants::new(stage.grants) }
    }

    /// Runs the chain for `registry.test/app:1`.
    async fn run(&self, shows: bool, answers: Answers) -> Ran {
        let (reads, asked) = (AtomicUsize::new(0), Mutex::default());
        let transport = Arc::new(Transport { memory: Stage::new().memory, shows, answers, reads, asked });
        let resolver = self.chain.resolver(transport.clone()).delegate(transport.clone()).grants(self.grants.clone());
        let reference = "registry.test/app:1".parse().expect("a reference");
        let request = Request::new(reference).platform(transport.platform()).with_configs();
        let outcome = resolver.session(request).resolve().await;
        let asked = transport.asked.lock().clone();
        Ran { outcome, reads: transport.reads.load(Ordering::Relaxed), asked }
    }
}

impl Ran {
    /// Returns the outcome in the words of the table.
    fn outcome(&self) -> String {
        let resolution = match &self.outcome {
            Ok(Outcome::Resolved(resolution)) => resolution,
            Ok(Outcome::Denied { policy, .. }) => return format!("denied by {policy}"),
            Err(error) => return error.code().as_str().to_owned(),
        };
        let image = match &resolution.images[..] {
            [Ok(image)] => match image.config.as_ref().and_then(|config| resolution.bytes(&config.digest)) {
                Some(bytes) if bytes == VOUCHED => "VOUCHED".to_owned(),
                Some(bytes) if bytes == OTHER => "OTHER".to_owned(),
                other => format!("{other:?}"),
            },
            [Err(Absence::Failed(failure))] => failure.code.as_str().to_owned(),
            [Err(Absence::Denied(denials))] => format!("denied by {}", denials[0].policy()),
            other => format!("{other:?}"),
        };
        format!("{} {image}", named(resolution.root.digest.as_str()))
    }

    /// Returns what the delegate was asked for, in the words of the table.
    fn asked(&self) -> String {
        named(&self.asked.join(", ").replace("registry.test/", ""))
    }
}

/// Returns a text with the names that the table has for digests.
fn named(text: &str) -> String {
    let digest = |bytes: &[u8]| refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, bytes).into_string();
    let (app, other) = (
        stage::image_index(&Memory::new(), "registry.test/app", "one"),
        stage::image_index(&Memory::new(), "registry.test/other", "two"),
    );
    let manifest = app.split('"').find(|text| text.starts_with("sha256:")).expect("a manifest");
    let text = text.replace(&digest(app.as_bytes()), "APP").replace(&digest(other.as_bytes()), "OTHER-APP");
    text.replace(manifest, "MANIFEST").replace(elsewhere().as_str(), "ELSEWHERE")
}

/// The policies before the default one.
#[derive(Debug, Clone, Copy)]
enum Policies {
    None,
    Passes,
    Allows,
    Denies,
    Redirects,
    RedirectsFar,
    HasLabel,
    LacksLabel,
    /// A policy that reads documents, before one that reads none.
    HasLabelAllows,
    /// A policy that reads none, before one that reads documents.
    AllowsHasLabel,
}

impl Policies {
    fn stage(self) -> Stage {
        let allow = |stage: Stage, repository| stage.policy(ALLOW_LIST, &[("allow", repository)]);
        let label = |stage: Stage, label| stage.policy(REQUIRE_LABEL, &[("label", label)]);
        let redirect = |to| Stage::new().policy(REDIRECT, &[("from", "registry.test/app"), ("to", to)]);
        match self {
            Self::None => Stage::new(),
            Self::Passes => Stage::new().policy(HOSTILE, &[("mode", "secret-write")]),
            Self::Allows => allow(Stage::new(), "registry.test/app"),
            Self::Denies => allow(Stage::new(), "registry.test/other"),
            Self::Redirects => redirect("registry.test/other").grant("registry.test/other"),
            Self::RedirectsFar => redirect("far.test/app"),
            Self::HasLabel => label(Stage::new(), "label=one"),
            Self::LacksLabel => label(Stage::new(), "label=two"),
            Self::HasLabelAllows => allow(label(Stage::new(), "label=one"), "registry.test/app"),
            Self::AllowsHasLabel => label(allow(Stage::new(), "registry.test/app"), "label=one"),
        }
    }
}

/// The policies, whether the source shows documents, what the delegate is asked for, whether the run reads documents, and
/// the outcomes: for a delegate that answers right, that fails, with a root that the source does not have, with the config
/// of another image, and without a config.
type Row = (Policies, &'static [bool], &'static str, bool, [&'static str; 5]);

const BOTH: &[bool] = &[true, false];

/// The delegate is the transport: it builds what it answers, so its root and its config are what policies judge and what
/// the caller gets.
const TABLE: &[Row] = &[
    // No policy reads documents, so none is read, and the delegate decides.
    (Policies::None, BOTH, "app:1", false, DELEGATED),
    (Policies::Passes, BOTH, "app:1", false, DELEGATED),
    (Policies::Allows, BOTH, "app:1", false, DELEGATED),
    (
        Policies::Redirects,
        BOTH,
        "other:1",
        false,
        ["OTHER-APP VOUCHED", "unavailable", "ELSEWHERE VOUCHED", "OTHER-APP OTHER", "not-found"],
    ),
    // A delegate stands behind the default policy, and never answers in the place of another one.
    (Policies::Denies, BOTH, "", false, ["denied by allow-list"; 5]),
    (Policies::RedirectsFar, BOTH, "", false, ["not-granted"; 5]),
    // The root comes from the documents that were read, and the config of its image from the delegate.
    (Policies::HasLabel, &[true], "app:1@MANIFEST", true, HAS_LABEL),
    (Policies::HasLabelAllows, &[true], "app:1@MANIFEST", true, HAS_LABEL),
    (Policies::AllowsHasLabel, &[true], "app:1@MANIFEST", true, HAS_LABEL),
    (
        Policies::LacksLabel,
        &[true],
        "app:1@MANIFEST",
        true,
        ["APP denied by require-label", "APP unavailable", "APP denied by require-label", "APP OTHER", "APP not-found"],
    ),
    // The documents are asked for and not shown, so the delegate decides, and the policy judges its config.
    (Policies::HasLabel, &[false], "app:1", true, HAS_LABEL_UNSEEN),
    (Policies::HasLabelAllows, &[false], "app:1", true, HAS_LABEL_UNSEEN),
    (Policies::AllowsHasLabel, &[false], "app:1", true, HAS_LABEL_UNSEEN),
    (
        Policies::LacksLabel,
        &[false],
        "app:1",
        true,
        ["APP denied by require-label", "unavailable", "ELSEWHERE denied by require-label", "APP OTHER", "not-found"],
    ),
];

const DELEGATED: [&str; 5] = ["APP VOUCHED", "unavailable", "ELSEWHERE VOUCHED", "APP OTHER", "not-found"];

const HAS_LABEL: [&str; 5] =
    ["APP VOUCHED", "APP unavailable", "APP VOUCHED", "APP denied by require-label", "APP not-found"];

const HAS_LABEL_UNSEEN: [&str; 5] =
    ["APP VOUCHED", "unavailable", "ELSEWHERE VOUCHED", "APP denied by require-label", "not-found"];

#[tokio::test]
async fn every_delegate_under_every_policy() {
    use Answers::*;
    for (policies, shown, asked, reads, outcomes) in TABLE {
        let loaded = Loaded::new(policies.stage()).await;
        for &shows in *shown {
            for (answers, outcome) in [Right, Fails, OtherRoot, OtherConfig, NoConfig].into_iter().zip(outcomes) {
                let ran = loaded.run(shows, answers).await;
                let found = (ran.asked(), ran.reads > 0, ran.outcome());
                let wanted = ((*asked).to_owned(), *reads, (*outcome).to_owned());
                assert_eq!(found, wanted, "{policies:?}, shows {shows}, {answers:?}: {:?}", ran.outcome);
            }
        }
    }
}

#[tokio::test]
async fn an_allow_list_sees_what_is_taken_instead_and_reads_no_documents() {
    let redirect = [("from", "registry.test/app"), ("to", "registry.test/other")];
    for (allow, allowed) in [("registry.test/*", true), ("registry.test/app", false)] {
        let stage = Stage::new().grant("registry.test/other").policy(ALLOW_LIST, &[("allow", allow)]);
        let ran = Loaded::new(stage.policy(REDIRECT, &redirect)).await.run(true, Answers::Right).await;
        assert_eq!((ran.reads, &ran.asked[..]), (0, &["registry.test/other:1".to_owned()][..]), "{allow}");
        match ran.outcome {
            Ok(Outcome::Denied { policy, denials }) if !allowed => {
                assert_eq!(policy, "allow-list");
                let wanted = "registry.test/other:1, which is taken instead of registry.test/app:1, matches none";
                assert!(denials[0].message.starts_with(wanted), "{denials:?}");
            }
            Ok(Outcome::Resolved(resolution)) if allowed => {
                assert_eq!(resolution.reference.repository().path(), "other");
            }
            outcome => panic!("{allow}: {outcome:?}"),
        }
    }
}
