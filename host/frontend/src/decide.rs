//! What the policies decide about the images of one build.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use refkit::{Absence, Outcome, Resolution, Session};
use refkit_buildkit::definition::Blob;
use refkit_buildkit::{BuildkitSource, PlatformSource, definition::Store};
use refkit_content::Resolve as _;
use refkit_oci::document::media_type;
use refkit_oci::{Digest, Platform, Repository};
use tokio::sync::OnceCell;
use tonic::Status;

use crate::chain::Chain;
use crate::image::{Name, Question};
use crate::met;
use crate::refusal;
use crate::report::Reporter;

/// What was decided about an image for a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The image that is built with, as the policies name it.
    pub name: Name,
    /// What its root is.
    pub root: Digest,
    /// The root's digest where BuildKit by itself takes the same image of it, else that of the image's manifest.
    pub digest: Digest,
    /// The image's config.
    pub config: Bytes,
    /// What a source policy of the build's own makes of the image that was asked for, where there is one.
    pub via: Option<Name>,
}

impl Decided {
    /// Returns the image by the digest that was decided.
    pub fn pinned(&self) -> Name {
        self.name.pinned(&self.digest)
    }
}

type Answer = Result<Arc<Decided>, Status>;

/// Content that runs of this build have met, of images that were allowed.
pub type Content = (Option<Store>, Repository, Digest);

/// Decides, and keeps what was decided to the end of the build.
pub struct Decisions {
    chain: Chain,
    source: BuildkitSource,
    reporter: Reporter,
    asked: Mutex<HashMap<Question, Arc<OnceCell<Answer>>>>,
    known: Mutex<HashMap<Question, Arc<Decided>>>,
    met: Mutex<HashSet<Content>>,
}

impl Decisions {
    /// Returns the decisions of a build that has not begun.
    pub fn new(chain: Chain, source: BuildkitSource, reporter: Reporter) -> Self {
        Self { chain, source, reporter, asked: Mutex::default(), known: Mutex::default(), met: Mutex::default() }
    }

    /// Returns what is decided about an image. What was asked before, and what was decided itself, has its answer
    /// already; equal questions at one time wait for one run. `mode` is how BuildKit looks for the image: `default`,
    /// `pull` or `local`.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` where a policy refuses it; else why there is no decision.
    pub async fn decide(&self, name: &Name, platform: &Platform, mode: &str) -> Answer {
        let question = Question { name: name.clone(), platform: platform.clone() };
        if let Some(known) = lock(&self.known).get(&question) {
            return Ok(known.clone());
        }
        let cell = lock(&self.asked).entry(question.clone()).or_default().clone();
        cell.get_or_init(|| self.run(&question, mode)).await.clone()
    }

    /// Returns whether this build has met the content, of an image that was allowed.
    pub fn has_met(&self, blob: &Blob) -> bool {
        lock(&self.met).contains(&(blob.layout.clone(), blob.repository.clone(), blob.digest.clone()))
    }

    /// Returns whether the root of an image is an OCI index: of nothing else BuildKit can say what attests it. Where
    /// BuildKit cannot read it, it is taken for none.
    pub async fn is_index(&self, decided: &Decided, platform: &Platform) -> bool {
        let Ok(root) = decided.name.pinned(&decided.root).seen() else { return false };
        let content = self.source.for_platform(platform, "").pull(&root).await;
        content.is_ok_and(|content| content.value.descriptor.media_type == media_type::INDEX)
    }

    async fn run(&self, question: &Question, mode: &str) -> Answer {
        match self.resolve(question, mode).await {
            Ok(decided) => Ok(self.keep(question, decided)),
            Err(status) => {
                // BuildKit applies the rules of the build's own options to whatever it is asked for, and resolves
                // another image then: that one is what the policies are to decide about.
                let Some(via) = self.converted(&question.name) else { return Err(status) };
                let other = Question { name: via.clone(), platform: question.platform.clone() };
                let decided = Decided { via: Some(via), ..self.resolve(&other, mode).await? };
                Ok(self.keep(question, decided))
            }
        }
    }

    fn converted(&self, name: &Name) -> Option<Name> {
        let converted = self.source.converted(&name.seen().ok()?)?;
        Some(Name { reference: converted.reference?, layout: name.layout.clone() })
    }

    fn keep(&self, question: &Question, decided: Decided) -> Arc<Decided> {
        let decided = Arc::new(decided);
        let names = [question.name.clone(), question.name.pinned(&decided.digest), decided.pinned()];
        let mut known = lock(&self.known);
        for name in names.into_iter().chain(decided.via.clone()) {
            known.insert(Question { name, platform: question.platform.clone() }, decided.clone());
        }
        decided
    }

    async fn resolve(&self, question: &Question, mode: &str) -> Result<Decided, Status> {
        let Question { name, platform } = question;
        let subject = format!("{} ({platform})", name.reference);
        let seen = name.seen().map_err(|error| Status::invalid_argument(error.to_string()))?;
        if let Some(store) = &name.layout {
            self.source.layout(seen.repository().clone(), store.clone());
        }
        let source = self.source.for_platform(platform, mode);
        let session = self.chain.session(source.clone(), seen, platform);
        let outcome = session.resolve().await;
        let resolution = match &outcome {
            Ok(Outcome::Resolved(resolution)) => Some(resolution),
            _ => None,
        };
        self.reporter.tell(&self.chain.policies, question, &session, resolution).await;
        let resolution = match outcome {
            Ok(Outcome::Resolved(resolution)) => resolution,
            Ok(Outcome::Denied { policy, denials }) => {
                let by = |denial: &_| session.denied_by(denial).unwrap_or_else(|| policy.clone());
                return Err(refusal::denied(&name.reference.to_string(), &denials, by));
            }
            Err(error) => return Err(refusal::failed(&subject, &error)),
        };
        let decided = self.decided(question, source, &session, &resolution).await?;
        lock(&self.met).extend(met::contents(&decided.name, &resolution));
        Ok(decided)
    }

    async fn decided(
        &self,
        question: &Question,
        source: PlatformSource,
        session: &Session,
        resolution: &Resolution,
    ) -> Result<Decided, Status> {
        let Question { name, platform } = question;
        let reference = resolution.reference.to_string();
        let image = match resolution.images.first() {
            Some(Ok(image)) => image,
            None | Some(Err(Absence::NoMatch)) => {
                return Err(Status::not_found(format!("{reference} has no image for {platform}")));
            }
            Some(Err(Absence::Denied(denials))) => {
                let by = |denial: &_| session.denied_by(denial).unwrap_or_default();
                return Err(refusal::denied(&format!("{reference} ({platform})"), denials, by));
            }
            Some(Err(Absence::Failed(failure))) => {
                return Err(Status::new(refusal::code(failure.code), refusal::one_line(&failure.message)));
            }
        };
        let root = resolution.root.digest.clone();
        let config = image.config.as_ref().and_then(|config| resolution.bytes(&config.digest));
        let config = config.ok_or_else(|| Status::internal(format!("{reference}: the answer has no config")))?.clone();
        let manifest = image.manifest.digest.clone();
        let same = manifest == root || self.taken_by_default(source, resolution, platform, &manifest).await;
        let digest = if same { root.clone() } else { manifest };
        Ok(Decided { name: name.chosen(&resolution.reference), root, digest, config, via: None })
    }

    /// Returns whether BuildKit, told the root, takes the same image: the default policy decides as it does. All that
    /// is needed for this was read before.
    async fn taken_by_default(
        &self,
        source: PlatformSource,
        resolution: &Resolution,
        platform: &Platform,
        manifest: &Digest,
    ) -> bool {
        let Some(session) = self.chain.default_session(source, resolution.pinned(), platform) else { return true };
        match session.resolve().await {
            Ok(Outcome::Resolved(default)) => {
                let image = default.images.first().and_then(|place| place.as_ref().ok());
                image.is_some_and(|image| image.manifest.digest == *manifest)
            }
            _ => false,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
