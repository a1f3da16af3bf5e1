//! The answers of the host in memory.

use super::registry::{Event, Registry, key};
use super::stored::Manifest;
use super::text;
use crate::{Content, Descriptor, Error, ErrorCode, Host, Level, Outcome, Reference, Request, Resolved};

impl Registry {
    fn failing(&self, verb: &str, argument: &str) -> Result<(), Error> {
        self.failures.get(&format!("{verb} {argument}")).map_or(Ok(()), |error| Err(error.clone()))
    }

    fn meet<'a>(&self, reference: &Reference, descriptors: impl IntoIterator<Item = &'a Descriptor>) {
        let (key, mut record) = (key(reference), self.record());
        for descriptor in descriptors {
            record.met.entry((key.clone(), descriptor.digest.clone())).or_insert_with(|| descriptor.clone());
        }
    }

    fn check_met(&self, reference: &Reference, digest: &str) -> Result<(), Error> {
        if self.met(reference, digest) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::NotGranted, format!("{}@{digest} was not met in this run", key(reference))))
    }

    fn root(&self, reference: &Reference) -> Result<&Manifest, Error> {
        let found = self.repositories.get(&key(reference)).and_then(|repository| match &reference.digest {
            Some(digest) => repository.find(digest),
            None => repository.tagged(reference.tag.as_deref()?),
        });
        let found = found.ok_or_else(|| not_found(reference))?;
        self.meet(reference, [&found.descriptor]);
        Ok(found)
    }

    fn pulled(&self, reference: &Reference) -> Result<Content, Error> {
        self.failing("pull", &reference.to_string())?;
        let root = self.root(reference)?;
        self.meet(reference, &root.names);
        Ok(Content { descriptor: root.descriptor.clone(), bytes: root.bytes.clone() })
    }

    fn fetched(&self, reference: &Reference, digest: &str) -> Result<&[u8], Error> {
        self.failing("fetch", digest)?;
        self.check_met(reference, digest)?;
        let repository = self.repositories.get(&key(reference)).ok_or_else(|| not_found(reference))?;
        if let Some(manifest) = repository.find(digest) {
            self.meet(reference, &manifest.names);
            return Ok(&manifest.bytes);
        }
        let blob = repository.blobs.get(digest).map(Vec::as_slice);
        blob.ok_or_else(|| not_found(format_args!("{}@{digest}", key(reference))))
    }

    /// Replaces the descriptors of an outcome by the registry's own, as the host does: only the digest of a policy's
    /// descriptor counts.
    fn complete(&self, resolved: &mut Resolved) {
        let Resolved { reference, root, images } = resolved;
        let Some(repository) = self.repositories.get(&key(reference)) else { return };
        let own = |digest: &str, parent: Option<&Descriptor>| {
            let parent = parent.and_then(|parent| repository.find(&parent.digest));
            let named = parent.and_then(|parent| parent.names.iter().find(|known| known.digest == digest));
            named.cloned().or_else(|| self.record().met.get(&(key(reference), digest.to_owned())).cloned())
        };
        let put = |place: &mut Descriptor, parent: Option<&Descriptor>| {
            if let Some(known) = own(&place.digest, parent) {
                *place = known;
            }
        };
        put(root, None);
        for image in images.iter_mut().flatten() {
            let mut holder = root.clone();
            for parent in &mut image.parents {
                put(parent, Some(&holder));
                holder.clone_from(parent);
            }
            put(&mut image.manifest, Some(&holder));
            image.config.iter_mut().for_each(|config| put(config, Some(&image.manifest)));
            image.attestations.iter_mut().for_each(|attestation| put(attestation, Some(&holder)));
        }
    }

    fn listed(&self, reference: &Reference, subject: &str, of_type: Option<&str>) -> Result<Vec<Descriptor>, Error> {
        self.failing("referrers", subject)?;
        self.check_met(reference, subject)?;
        let manifests = self.repositories.get(&key(reference)).map(|repository| repository.manifests.as_slice());
        let about = manifests.unwrap_or_default().iter().filter(|known| known.subject.as_deref() == Some(subject));
        let list: Vec<_> = about.map(|known| known.listed.clone()).collect();
        let list = list.into_iter().filter(|known| of_type.is_none() || known.artifact_type.as_deref() == of_type);
        let list: Vec<_> = list.collect();
        self.meet(reference, &list);
        Ok(list)
    }
}

impl Host for Registry {
    fn resolve(&self, reference: &Reference) -> Result<Descriptor, Error> {
        self.note("resolve", [reference.to_string()]);
        self.failing("resolve", &reference.to_string())?;
        self.root(reference).map(|root| root.descriptor.clone())
    }

    fn pull(&self, reference: &Reference) -> Result<Content, Error> {
        self.note("pull", [reference.to_string()]);
        self.pulled(reference)
    }

    fn pull_all(&self, references: &[Reference]) -> Vec<Result<Content, Error>> {
        self.note("pull", references.iter().map(Reference::to_string));
        references.iter().map(|reference| self.pulled(reference)).collect()
    }

    fn fetch(&self, reference: &Reference, digest: &str) -> Result<Vec<u8>, Error> {
        self.note("fetch", [digest.to_owned()]);
        self.fetched(reference, digest).map(<[u8]>::to_vec)
    }

    fn fetch_all(&self, reference: &Reference, digests: &[String]) -> Vec<Result<Vec<u8>, Error>> {
        self.note("fetch", digests.iter().cloned());
        digests.iter().map(|digest| self.fetched(reference, digest).map(<[u8]>::to_vec)).collect()
    }

    fn fetch_range(&self, reference: &Reference, digest: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        self.note("fetch-range", [format!("{digest} {offset}+{length}")]);
        let bytes = self.fetched(reference, digest)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length as usize).min(bytes.len());
        Ok(bytes[start..end].to_vec())
    }

    fn referrers(&self, reference: &Reference, subject: &str, of_type: Option<&str>) -> Result<Vec<Descriptor>, Error> {
        self.note("referrers", [subject.to_owned()]);
        self.listed(reference, subject, of_type)
    }

    fn referrers_all(
        &self,
        reference: &Reference,
        subjects: &[String],
        of_type: Option<&str>,
    ) -> Vec<Result<Vec<Descriptor>, Error>> {
        self.note("referrers", subjects.iter().cloned());
        subjects.iter().map(|subject| self.listed(reference, subject, of_type)).collect()
    }

    fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error> {
        let key = key(reference);
        self.note("tags", [key.clone()]);
        self.failing("tags", &key)?;
        let repository = self.repositories.get(&key).ok_or_else(|| not_found(&key))?;
        Ok(repository.tags.iter().map(|(tag, _)| tag.clone()).collect())
    }

    fn next(&self, request: &Request) -> Result<Outcome, Error> {
        self.note("next", [text::request(request)]);
        self.record().depth += 1;
        let outcome = (self.next)(self, request.clone());
        self.record().depth -= 1;
        match outcome {
            Ok(Outcome::Next(_)) => Err(Error::new(ErrorCode::Other, "the last policy of a chain decides")),
            Ok(Outcome::Resolved(mut resolved)) => {
                self.complete(&mut resolved);
                Ok(Outcome::Resolved(resolved))
            }
            decided => decided,
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        if self.record().depth > 0 { None } else { self.settings.get(name).cloned() }
    }

    fn settings(&self) -> Vec<(String, String)> {
        let own = if self.record().depth > 0 { None } else { Some(&self.settings) };
        own.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn event(&self, level: Level, message: &str, fields: &[(String, String)]) {
        self.record().events.push(Event { level, message: message.to_owned(), fields: fields.to_vec() });
    }
}

fn not_found(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::NotFound, format!("{what} is not there"))
}
