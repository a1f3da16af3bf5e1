//! What the policies decide about the images of one build.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use refkit::{Absence, Outcome, Resolution, Session};
use refkit_buildkit::definition::Blob;
use refkit_buildkit::{BuildkitSource, Converted, PlatformSource, definition::Store};
use refkit_content::Resolve as _;
use refkit_oci::document::media_type;
use refkit_oci::{Digest, Platform, Repository};
use tokio::sync::OnceCell;
use tonic::{Code, Status};

use crate::chain::Chain;
use crate::image::{Name, Question, Wanted};
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
    /// The digest to pin: the root's, if BuildKit would select the same image from it; otherwise the manifest's.
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

/// What became of an image that a build names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// An image.
    Image(Arc<Decided>),
    /// None: a source policy of the build's own makes of it what reads no image, such as files of the client.
    NoImage,
}

type Answer = Result<Chosen, Status>;

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
    pub async fn decide(&self, name: &Name, wanted: &Wanted, mode: &str) -> Answer {
        let question = Question { name: name.clone(), wanted: wanted.clone() };
        if let Some(known) = lock(&self.known).get(&question) {
            return Ok(Chosen::Image(known.clone()));
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
    pub async fn is_index(&self, decided: &Decided, wanted: &Wanted) -> bool {
        let Ok(root) = decided.name.pinned(&decided.root).seen() else { return false };
        let content = self.view(wanted, "").pull(&root).await;
        content.is_ok_and(|content| content.value.descriptor.media_type == media_type::INDEX)
    }

    /// Returns the images as they are for a platform.
    fn view(&self, wanted: &Wanted, mode: &str) -> PlatformSource {
        match wanted.is_named {
            true => self.source.for_platform(&wanted.platform, mode),
            false => self.source.for_own_platform(&wanted.platform, mode),
        }
    }

    async fn run(&self, question: &Question, mode: &str) -> Answer {
        let status = match self.resolve(question, mode).await {
            Ok(decided) => return Ok(self.keep(question, decided)),
            Err(status) => status,
        };
        // BuildKit applies the rules of the build's own options to whatever it is asked for, and resolves another
        // image then: that one is what the policies are to decide about.
        let converted = question.name.seen().ok().and_then(|seen| self.source.converted(&seen));
        match converted {
            Some(Converted { reference: Some(reference), .. }) => {
                let via = Name { reference, layout: question.name.layout.clone() };
                let other = Question { name: via.clone(), wanted: question.wanted.clone() };
                let decided = Decided { via: Some(via), ..self.resolve(&other, mode).await? };
                Ok(self.keep(question, decided))
            }
            // A denial of the name itself stays.
            Some(Converted { reads_no_image: true, .. }) if status.code() != Code::PermissionDenied => {
                Ok(Chosen::NoImage)
            }
            _ => Err(status),
        }
    }

    fn keep(&self, question: &Question, decided: Decided) -> Chosen {
        let decided = Arc::new(decided);
        let names = [question.name.clone(), question.name.pinned(&decided.digest), decided.pinned()];
        let mut known = lock(&self.known);
        for name in names.into_iter().chain(decided.via.clone()) {
            known.insert(Question { name, wanted: question.wanted.clone() }, decided.clone());
        }
        Chosen::Image(decided)
    }

    async fn resolve(&self, question: &Question, mode: &str) -> Result<Decided, Status> {
        let Question { name, wanted } = question;
        let platform = &wanted.platform;
        let subject = format!("{} ({platform})", name.reference);
        let seen = name.seen().map_err(|error| Status::invalid_argument(error.to_string()))?;
        if let Some(store) = &name.layout {
            self.source.layout(seen.repository().clone(), name.reference.repository().clone(), store.clone());
        }
        let source = self.view(wanted, mode);
        let session = self.chain.session(source.clone(), seen.clone(), platform);
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
        if seen.digest().is_none()
            && let (Some(kept), Some(to)) = (self.source.pinned(&seen), self.source.moved(&seen))
        {
            self.reporter.moved(question, &kept, &to).await;
        }
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
        let Question { name, wanted } = question;
        let platform = &wanted.platform;
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
        let same = manifest == root
            || is_built_from_root(&source, resolution, &config).await
                && self.taken_by_default(source, resolution, platform, &manifest).await;
        let digest = if same { root.clone() } else { manifest };
        Ok(Decided { name: name.chosen(&resolution.reference), root, digest, config, via: None })
    }

    /// Returns whether the default policy takes the same manifest of the root. Everything that this needs was read
    /// before. Two manifests may have one config, such as one with layers that are compressed in another way.
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

/// Returns whether BuildKit, given the root, builds the image of this config. BuildKit's own answer says so, which is at
/// hand from the run: it may read an index in another way than RefKit does, and what it answers is what it builds. A
/// config names the content of every layer, which BuildKit checks when it unpacks them.
async fn is_built_from_root(source: &PlatformSource, resolution: &Resolution, config: &Bytes) -> bool {
    let answer = source.metadata(&resolution.pinned()).await;
    answer.is_ok_and(|metadata| metadata.config.as_ref() == Some(config))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
