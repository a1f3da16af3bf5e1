//! The referrers of the copied content.

use futures_util::future::FutureExt as _;
use refkit_oci::{Descriptor, Digest};

use super::failure::CopyError;
use super::halt::Halted;
use super::manifest::Listed;
use super::options::{Referrers, Step};
use super::walk::{Copying, DEPTH_LIMIT, MANIFESTS_AT_ONCE, each, is_index};
use crate::links;
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Error, ErrorCode, ErrorKind, Push, Source};

/// How many referrers of a subject are pushed before the destination's list gets them. A copy that ends before that leaves
/// them unlisted until it is repeated, and a registry client remembers a thousand.
const LISTED_AT_ONCE: usize = 256;

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Copies the referrers of all copied manifests and indexes, and what cosign attached to them, then the referrers of
    /// those, and so on.
    pub(super) async fn referrers(&self) -> Result<(), Halted> {
        for depth in 0.. {
            let subjects = std::mem::take(&mut *self.subjects.lock());
            let Some(first) = subjects.first() else { break };
            if depth > DEPTH_LIMIT {
                let what = format!("referrers refer to each other more than {DEPTH_LIMIT} deep");
                return Err(self.malformed(first, ErrorKind::Malformed(what)));
            }
            let of = |subject| async move {
                self.referrers_of(&subject).await?;
                if self.options.cosign_tags { self.cosign(&subject).await } else { Ok(()) }
            };
            each(subjects, MANIFESTS_AT_ONCE, of).await?;
        }
        Ok(())
    }

    /// Copies the referrers of one subject, in the order of the source's list: some destinations keep it.
    async fn referrers_of(&self, subject: &Digest) -> Result<(), Halted> {
        let (only, among) = match &self.options.referrers {
            Referrers::None => return Ok(()),
            Referrers::All => (None, None),
            Referrers::Of(types) => (if let [one] = &types[..] { Some(one.as_str()) } else { None }, Some(types)),
        };
        let list = self.halt.at_source(self.source.referrers(self.from, subject, only)).await?.value;
        let wanted = |one: &Descriptor| {
            let among = among.is_none_or(|types| one.artifact_type.as_ref().is_some_and(|of| types.contains(of)));
            among && links::is_manifest(&one.media_type)
        };
        for some in list.into_iter().filter(wanted).collect::<Vec<_>>().chunks(LISTED_AT_ONCE) {
            let (mut present, mut copied) = (Vec::new(), Ok(()));
            for referrer in some {
                // An index may list an attestation as well; its push may have ended before the list was written.
                let met = self.is_met(referrer);
                match if met { Ok(true) } else { self.referrer(referrer, subject).await } {
                    Ok(true) => present.push(referrer.clone()),
                    Ok(false) => {}
                    Err(halted) => {
                        copied = Err(halted);
                        break;
                    }
                }
            }
            // Those before a failure are pushed: the list gets them all the same.
            let listed = self.destination.complete_referrers(self.to, subject, &present).await;
            copied?;
            listed.map_err(|error| self.halt.fail(CopyError::at_destination(error)))?;
        }
        Ok(())
    }

    /// Copies a referrer. Returns whether the destination had it.
    async fn referrer(&self, referrer: &Descriptor, subject: &Digest) -> Result<bool, Halted> {
        let there = self.has(referrer).await?;
        if there && !is_index(referrer) {
            let told = async {
                self.tell(referrer, Step::Present);
                Ok(())
            };
            return self.once(referrer, told.boxed()).await.map(|()| true);
        }
        let fetched = self.halt.at_source(async {
            match verify::fetch(self.source, self.from, referrer, MANIFEST_LIMIT).await {
                Ok(answer) => Ok(answer.value),
                // It may be a signature, so a copy without it is not the same. oras and regctl fail as well.
                Err(error) if error.code() == ErrorCode::NotFound => {
                    Err(Error { kind: ErrorKind::LostReferrer { subject: subject.clone() }, ..error })
                }
                Err(error) => Err(error),
            }
        });
        let bytes = fetched.await?;
        if self.read(referrer, &bytes)?.subject.is_none_or(|of| of.digest != *subject) {
            return Ok(false);
        }
        self.once(referrer, self.whole(referrer, bytes, 0, Listed::Later).boxed()).await.map(|()| there)
    }
}
