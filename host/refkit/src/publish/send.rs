//! How a publishing run copies and sends manifests, as its caller and its policies want it.

use bytes::Bytes;
use refkit_content::copy::{Options, Referrers, Step};
use refkit_content::{Content, Error, ErrorKind, Origin};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use refkit_sandbox::Copy;

use super::Switches;
use super::copy::call;
use super::placed::Placed;
use super::run::PublishRun;
use crate::observation::Failed;

/// The artifact type that stands for all.
const ALL: &str = "*";

impl PublishRun {
    /// Sends a manifest whose content is at the destination. What the destination has lost of it by then is sent again,
    /// once, but not the manifests of an index that are absent on purpose.
    pub(super) async fn send(
        &self,
        destination: &Reference,
        descriptor: Descriptor,
        bytes: Bytes,
        absent: Vec<Digest>,
    ) -> Result<(), Error> {
        let repository = destination.repository();
        // A source of the run reads what the run has put into the destination from where that came.
        let from = match self.record.find(repository, &descriptor.digest) {
            Some(Placed::Copied(_, from)) => from,
            _ => repository.clone(),
        };
        let options = self.options(&from, repository, &[]).without(absent);
        let between = options.between((&self.copied, &from, &Origin::Memory), (&*self.target, repository));
        between.push(Content { descriptor, bytes }, destination).await.map(drop).map_err(Error::from)
    }

    /// Returns the options of a copy, which records what it has put into the destination.
    pub(super) fn options(&self, source: &Repository, destination: &Repository, with_referrers: &[String]) -> Options {
        let all = with_referrers.iter().any(|of| of == ALL);
        let referrers = match with_referrers.is_empty() {
            true => Referrers::None,
            false if all => Referrers::All,
            false => Referrers::Of(with_referrers.to_vec()),
        };
        let Switches { cosign_tags, nondistributable, thorough, .. } = self.switches;
        let (record, progress) = (self.record.clone(), self.progress.clone());
        let (from, to) = (source.clone(), destination.clone());
        let options = Options::default().referrers(referrers).cosign_tags(all && cosign_tags);
        options.nondistributable(nondistributable).thorough(thorough).progress(move |of, step| {
            if let Some(progress) = &progress {
                progress(&to, of, step);
            }
            // What a push sends again is recorded already, or comes from elsewhere.
            if from != to && matches!(step, Step::Present | Step::Mounted | Step::Done) {
                record.place(&to, Placed::Copied(of.clone(), from.clone()));
            }
        })
    }

    /// Returns the repository from which an index came that a sparse copy pushes: the destination may lack a manifest of it.
    ///
    /// # Errors
    /// The given one, where the caller has not switched sparse copies on, or the index is no other repository's.
    pub(super) fn may_lack(
        &self,
        repository: &Repository,
        index: &Digest,
        child: &Descriptor,
        kind: ErrorKind,
    ) -> Result<Repository, ErrorKind> {
        let from = match self.switches.sparse && media_type::is_document(&child.media_type) {
            true => self.run.answers.ledger.elsewhere(repository, index),
            false => None,
        };
        let from = from.ok_or(kind)?;
        self.is_there(&from, child)?;
        Ok(from)
    }

    /// Copies the referrers of an index and what cosign has attached to it, if the caller has switched that on. A copy of
    /// the whole index does that by itself.
    pub(super) async fn attached(
        &self,
        span: usize,
        from: &Repository,
        of: &Digest,
        to: &Repository,
    ) -> Result<(), Failed> {
        if !self.switches.cosign_tags {
            return Ok(());
        }
        let copy = Copy {
            source: from.clone(),
            digests: Vec::new(),
            destination: to.clone(),
            with_referrers: vec![ALL.to_owned()],
        };
        let options = self.options(from, to, &copy.with_referrers);
        let between = options.between((&self.copied, from, &Origin::Memory), (&*self.target, to));
        let copied = between.about(of).await;
        copied.map_err(|error| self.run.answers.refuse(Some(span), &call(&copy, of), error.error.kind))
    }
}
