//! What the destination has already. This is the one place that decides what proves what.
//!
//! A manifest or an index that the destination has, by its digest or under the tag of the copy, proves all that is below:
//! whoever pushes it pushes its content before, and the registry keeps what a manifest refers to. Two things break
//! that: a sparse copy leaves an index whose manifests are absent on purpose, and a registry may have deleted a manifest that
//! an index names. To look for either takes a request for each manifest of each copy of what is there, so only
//! [`Options::thorough`](super::Options::thorough) does.

use std::collections::HashMap;

use futures_util::future::ready;
use parking_lot::Mutex;
use refkit_oci::{Descriptor, Digest, Reference};

use super::halt::Halted;
use super::walk::{Copying, is_index};
use crate::once::OnceMap;
use crate::{Content, Push, Source};

/// What a copy knows of its destination.
#[derive(Default)]
pub(super) struct Presence {
    /// Whether the destination has a manifest or an index.
    known: OnceMap<Digest, bool>,
    /// The images that attestations are about, by the digest of the attestation. One index lists both.
    images: Mutex<HashMap<Digest, Descriptor>>,
}

impl Presence {
    /// Notes what the destination need not be asked for.
    async fn set(&self, digest: &Digest, there: bool) {
        self.known.get(digest.clone(), ready(there)).await;
    }

    /// Notes which entries of one index are attestations, and of which others.
    pub(super) fn note(&self, entries: &[Descriptor]) {
        let attested = entries.iter().filter_map(|entry| Some((entry.attests()?, entry)));
        let attested: Vec<_> = attested.collect();
        if attested.is_empty() {
            return;
        }
        let images = entries.iter().filter(|entry| !entry.is_attestation());
        let images: HashMap<&str, &Descriptor> = images.map(|image| (image.digest.as_str(), image)).collect();
        let found = attested.into_iter().filter_map(|(image, entry)| Some((entry.digest.clone(), *images.get(image)?)));
        self.images.lock().extend(found.map(|(digest, image)| (digest, image.clone())));
    }
}

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Returns whether the destination has a manifest or an index, and so what is below. An attestation whose image is
    /// absent counts as absent.
    pub(super) async fn has(&self, manifest: &Descriptor) -> Result<bool, Halted> {
        if self.trusts_nothing() {
            return Ok(false);
        }
        let image = self.presence.images.lock().get(&manifest.digest).cloned();
        match image {
            Some(image) if !self.asked(&image).await? => Ok(false),
            _ => self.asked(manifest).await,
        }
    }

    /// Finds out whether the destination has the root of a copy, so that nothing below is asked for. Returns whether the
    /// tag names the root already.
    ///
    /// Most destinations have either nothing of an index or all, so its first image is asked for before itself.
    pub(super) async fn has_root(
        &self,
        Content { descriptor: root, bytes }: &Content,
        to: &Reference,
    ) -> Result<bool, Halted> {
        if self.trusts_nothing() {
            return Ok(false);
        }
        if to.tag().is_none() {
            return self.asked(root).await.map(|_| false);
        }
        let named = self.halt.at_destination(self.destination.tagged(to)).await?;
        if named.as_ref() == Some(&root.digest) {
            self.presence.set(&root.digest, true).await;
            return Ok(true);
        }
        let entries = if is_index(root) { self.read(root, bytes)?.manifests } else { Vec::new() };
        let there = match entries.iter().find(|entry| !entry.is_attestation()) {
            // The root is one request, and so is each other entry.
            Some(first) => self.asked(first).await? && entries.len() > 2,
            None => true,
        };
        match there {
            true => drop(self.asked(root).await?),
            false => self.presence.set(&root.digest, false).await,
        }
        Ok(false)
    }

    /// Notes the entries of an index that are copied next: they are there if it is.
    pub(super) async fn entries(&self, index: &Descriptor, entries: &[Descriptor]) -> Result<(), Halted> {
        self.presence.note(entries);
        if is_index(index) && self.has(index).await? {
            for entry in entries {
                self.presence.set(&entry.digest, true).await;
            }
        }
        Ok(())
    }

    async fn asked(&self, manifest: &Descriptor) -> Result<bool, Halted> {
        let ask = self.halt.at_destination(self.destination.has(self.to, manifest));
        self.presence.known.try_get(manifest.digest.clone(), ask).await
    }

    fn trusts_nothing(&self) -> bool {
        self.options.thorough || self.options.nondistributable
    }
}
