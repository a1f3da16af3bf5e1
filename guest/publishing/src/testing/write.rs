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
        if let Some(wanted) = to.digest.as_ref().filter(|wanted| **wanted != digest) {
            let text = format_args!("cannot push {to}: the content has the digest {digest}, not {wanted}");
            return Err(Error::invalid(text));
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
            let of_type = Some(&**of_type).filter(|of_type| *of_type != "*");
            for referrer in self.quietly(|registry| registry.referrers(from, digest, of_type))? {
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
            // Anything that the run has read may be named by digest.
            None if self.sparse && media_type::is_document(&child.media_type) => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PublishingHost;
    use refkit_policy::testing::reference;

    const INDEX: &str = "application/vnd.oci.image.index.v1+json";

    fn index(child: &str) -> String {
        let child = match child {
            "" => String::new(),
            child => format!(r#"{{"mediaType":"{INDEX}","digest":"{child}","size":{}}}"#, index("").len()),
        };
        format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{child}]}}"#)
    }

    #[test]
    fn the_rules_of_the_host_hold() {
        let child = digest(index("").as_bytes());
        let parent = index(&child);
        // Whether the source is read and copied first, the destination, and whether the push succeeds.
        for (read, copied, to, is_pushed) in [
            (true, true, "mirror.test/app:1", true),
            (true, true, "mirror.test/app@DIGEST", true),
            (true, false, "mirror.test/app:1", false),
            (false, true, "mirror.test/app:1", false),
            (true, true, "mirror.test/app:2", false),
            (true, true, "mirror.test/other:1", false),
            (true, true, "mirror.test/app:1@CHILD", false),
        ] {
            let mut registries = Registries::new(Registry::new());
            registries.registry().manifest("registry.test/app", Some("1"), INDEX, index("").as_bytes());
            registries.grant(reference("mirror.test/app:1").unwrap());
            let (from, into) = (reference("registry.test/app:1").unwrap(), reference("mirror.test/app:1").unwrap());
            if read {
                registries.resolve(&from).unwrap();
            }
            if copied {
                let copy = registries.copy(&from, std::slice::from_ref(&child), &into, &[]);
                assert_eq!(copy.is_ok(), read, "{to}: {copy:?}");
            }
            let to = to.replace("DIGEST", &digest(parent.as_bytes())).replace("CHILD", &child);
            let to = reference(&to).unwrap();
            let pushed = registries.push_manifest(&to, INDEX, parent.as_bytes());
            assert_eq!(pushed.is_ok(), is_pushed, "{to}: {pushed:?}");
            let named = if to.tag.is_some() { Reference { digest: None, ..to.clone() } } else { to.clone() };
            assert_eq!(registries.held(&named).is_some(), is_pushed, "{to}");
        }
    }
}
