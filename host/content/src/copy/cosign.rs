//! The tags of cosign: signatures, attestations and SBOMs of the copied content.

use std::collections::HashSet;

use refkit_oci::{Digest, Reference};

use super::halt::Halted;
use super::manifest;
use super::options::Step;
use super::walk::Copying;
use crate::{Content, Error, ErrorCode, Push, Source};

/// What cosign keeps under tags: `sha256-HEX.sig` has the signatures of `sha256:HEX`.
const SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// Returns whether a tag can be one of cosign's.
pub(crate) fn is_cosign_tag(tag: &str) -> bool {
    SUFFIXES.iter().any(|suffix| tag.strip_suffix(suffix).is_some_and(crate::links::is_fallback_tag))
}

/// The tags of the source that can be cosign's; none where the source does not list its tags.
pub(super) type Listed = Option<HashSet<String>>;

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Copies what cosign has attached to a manifest or an index, under the same tags.
    pub(super) async fn cosign(&self, subject: &Digest) -> Result<(), Halted> {
        let listed = self.cosign_tags.get_or_try_init(|| self.halt.at_source(self.list())).await?;
        for suffix in SUFFIXES {
            let tag = format!("{}-{}{suffix}", subject.algorithm().as_str(), subject.hex());
            if listed.as_ref().is_none_or(|tags| tags.contains(&tag)) {
                self.tag(&tag, listed.is_some()).await?;
            }
        }
        Ok(())
    }

    /// Lists the tags once: one request for most repositories, where a question for each tag of each manifest would be
    /// three for each.
    async fn list(&self) -> Result<Listed, Error> {
        match self.source.tags(self.from).await {
            Ok(tags) => Ok(Some(tags.value.into_iter().filter(|tag| is_cosign_tag(tag)).collect())),
            // The same request may succeed later.
            Err(error) if error.kind.may_pass() => Err(error),
            Err(error) => {
                tracing::debug!(target: "refkit::copy", repository = %self.from, %error, "asking for each tag of cosign");
                Ok(None)
            }
        }
    }

    /// Copies the content of a tag with what it refers to. One that the source does not list may be absent.
    async fn tag(&self, tag: &str, listed: bool) -> Result<(), Halted> {
        // A tag has at most 128 characters: there is none for a digest of SHA-512.
        let tagged =
            |repository: &refkit_oci::Repository| Reference::new(repository.clone(), Some(tag.to_owned()), None);
        let (Ok(from), Ok(to)) = (tagged(self.from), tagged(self.to)) else { return Ok(()) };
        let pulled = self.halt.at_source(async {
            match self.source.pull(&from).await {
                Ok(pulled) => Ok(Some(pulled.value)),
                Err(error) if error.code() == ErrorCode::NotFound && !listed => Ok(None),
                Err(error) => Err(error),
            }
        });
        let Some(Content { descriptor, bytes }) = pulled.await? else { return Ok(()) };
        self.once(&descriptor, self.below(&descriptor, &bytes, 0)).await?;
        self.halt.check()?;
        self.manifest(&to, &descriptor, bytes, manifest::Listed::Now).await?;
        self.tell(&descriptor, Step::Done);
        Ok(())
    }
}
