//! What a policy writes, and when the host refuses it.

use refkit_policy::oci::document::{self, Document, Limits, media_type};
use refkit_policy::testing::Registry;
use refkit_policy::{Content, Descriptor, Error, ErrorCode, Host, Reference, oci};

use super::registries::{Registries, key, pinned};

impl Registries {
    pub(super) fn push_document(&self, to: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        let digest = digest(bytes);
        self.note(format!("push-manifest {to} {digest}"))?;
        self.may_write(to, to.tag.as_deref())?;
        if to.digest.as_ref().is_some_and(|wanted| *wanted != digest) {
            return Err(Error::invalid(format_args!("cannot push {to}: the digest of the bytes is {digest}")));
        }
        self.is_allowed(&digest)?;
        for child in children(Some(media_type), bytes)? {
            self.is_there(to, &child)?;
        }
        self.arrive(to, media_type, bytes, &digest);
        if let Some(tag) = &to.tag {
            self.registry.borrow_mut().tag(&key(to), tag, &digest);
            self.record.borrow_mut().tags.insert((key(to), tag.clone()), digest.clone());
        }
        Ok(described(media_type, digest, bytes))
    }

    pub(super) fn push_content(&self, to: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        let digest = digest(bytes);
        self.note(format!("push-blob {} {digest}", key(to)))?;
        self.may_write(to, None)?;
        if media_type::is_document(media_type) {
            return Err(Error::invalid("a manifest or an index is pushed with push-manifest, which checks it"));
        }
        self.registry.borrow_mut().blob(&key(to), bytes);
        self.place(to, &digest, bytes.len() as u64);
        Ok(described(media_type, digest, bytes))
    }

    pub(super) fn copy_one(
        &self,
        from: &Reference,
        digest: &str,
        to: &Reference,
        with_referrers: &[String],
    ) -> Result<(), Error> {
        self.may_write(to, None)?;
        if !self.registry.borrow().met(from, digest) {
            return Err(not_granted(format!("{}@{digest} was not met in this run", key(from))));
        }
        self.is_allowed(digest)?;
        self.copy_below(from, digest, to, with_referrers)
    }

    fn copy_below(&self, from: &Reference, digest: &str, to: &Reference, types: &[String]) -> Result<(), Error> {
        if self.record.borrow().placed.contains_key(&(key(to), digest.to_owned())) {
            return Ok(());
        }
        let Content { descriptor, bytes } = self.quietly(|registry| registry.pull(&pinned(from, digest)))?;
        for child in children(Some(&descriptor.media_type), &bytes)? {
            if media_type::is_document(&child.media_type) {
                self.copy_below(from, child.digest.as_str(), to, types)?;
                continue;
            }
            if let Ok(blob) = self.quietly(|registry| registry.fetch(from, child.digest.as_str())) {
                self.registry.borrow_mut().blob(&key(to), &blob);
            }
            self.place(to, child.digest.as_str(), child.size);
        }
        self.arrive(to, &descriptor.media_type, &bytes, digest);
        for of_type in types {
            for referrer in self.quietly(|registry| registry.referrers(from, digest, Some(of_type)))? {
                self.copy_below(from, &referrer.digest, to, types)?;
            }
        }
        Ok(())
    }

    fn may_write(&self, to: &Reference, tag: Option<&str>) -> Result<(), Error> {
        if self.record.borrow().denied {
            return Err(not_granted("a policy after this one has refused the publication"));
        }
        let granted = |one: &&Reference| key(one) == key(to) && (tag.is_none() || one.tag.as_deref() == tag);
        match self.destinations.iter().find(granted) {
            Some(_) => Ok(()),
            None => Err(not_granted(format!("this run may not write to {to}"))),
        }
    }

    fn is_allowed(&self, digest: &str) -> Result<(), Error> {
        match self.record.borrow().refused.contains(digest) {
            true => Err(not_granted(format!("a policy has refused {digest}"))),
            false => Ok(()),
        }
    }

    fn is_there(&self, to: &Reference, child: &oci::Descriptor) -> Result<(), Error> {
        let digest = child.digest.as_str();
        self.is_allowed(digest)?;
        match self.record.borrow().placed.get(&(key(to), digest.to_owned())) {
            Some(size) if *size == child.size => Ok(()),
            Some(size) => {
                Err(Error::invalid(format_args!("{digest} has {size} bytes, and the manifest says {}", child.size)))
            }
            None if self.registry.borrow().met(to, digest) => Ok(()),
            None => Err(not_granted(format!("{digest} is not in {}: push or copy it there first", key(to)))),
        }
    }

    /// Puts a manifest into a repository. The run has then observed it, and what it names.
    fn arrive(&self, to: &Reference, media_type: &str, bytes: &[u8], digest: &str) {
        self.registry.borrow_mut().manifest(&key(to), None, media_type, bytes);
        self.place(to, digest, bytes.len() as u64);
        let _ = self.quietly(|registry| registry.pull(&pinned(to, digest)));
    }

    fn place(&self, to: &Reference, digest: &str, size: u64) {
        self.record.borrow_mut().placed.insert((key(to), digest.to_owned()), size);
    }
}

/// Returns what a document refers to and has to be at the destination before it.
fn children(media_type: Option<&str>, bytes: &[u8]) -> Result<Vec<oci::Descriptor>, Error> {
    let read = document::read(media_type, bytes, &Limits::default());
    let document = read.map_err(|error| match error.is_unsupported() {
        true => Error::new(ErrorCode::Unsupported, error.to_string()),
        false => Error::invalid(error),
    })?;
    Ok(match document {
        Document::Index(index) => index.manifests,
        Document::Manifest(manifest) => {
            let layers = manifest.layers.into_iter();
            let layers = layers.filter(|layer| !media_type::is_nondistributable(&layer.media_type));
            std::iter::once(manifest.config).chain(layers).collect()
        }
    })
}

fn digest(bytes: &[u8]) -> String {
    Registry::new().blob("", bytes)
}

fn described(media_type: &str, digest: String, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size: bytes.len() as u64,
        platform: None,
        artifact_type: None,
        annotations: Vec::new(),
    }
}

fn not_granted(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::NotGranted, text)
}
