//! The memory that values use, for hosts that limit the memory of untrusted content.

use crate::document::Unverifiable;
use crate::{Descriptor, Digest, Platform, Reference, Repository};

/// The memory of an allocation beyond its bytes: the allocator's rounding, at most an eighth for small ones, and its
/// own records.
const ALLOCATION: usize = 16;

/// A value that can estimate its memory.
pub trait Footprint {
    /// Returns roughly how many bytes of memory the value uses, with those that it owns elsewhere.
    fn footprint(&self) -> usize;
}

impl Footprint for str {
    fn footprint(&self) -> usize {
        self.len() + ALLOCATION
    }
}

impl Footprint for String {
    fn footprint(&self) -> usize {
        size_of::<Self>() + self.as_str().footprint()
    }
}

impl<T: Footprint> Footprint for [T] {
    fn footprint(&self) -> usize {
        ALLOCATION + self.iter().map(T::footprint).sum::<usize>()
    }
}

impl<T: Footprint> Footprint for Vec<T> {
    fn footprint(&self) -> usize {
        size_of::<Self>() + self.as_slice().footprint()
    }
}

impl<T: Footprint> Footprint for Option<T> {
    fn footprint(&self) -> usize {
        self.as_ref().map_or(size_of::<Self>(), T::footprint)
    }
}

impl<A: Footprint, B: Footprint> Footprint for (A, B) {
    fn footprint(&self) -> usize {
        self.0.footprint() + self.1.footprint()
    }
}

impl<T: Footprint, E: Footprint> Footprint for Result<T, E> {
    fn footprint(&self) -> usize {
        match self {
            Ok(value) => value.footprint(),
            Err(error) => error.footprint(),
        }
    }
}

impl Footprint for Digest {
    fn footprint(&self) -> usize {
        size_of::<Self>() + self.as_str().footprint()
    }
}

impl Footprint for Repository {
    fn footprint(&self) -> usize {
        size_of::<Self>() + self.registry().footprint() + self.path().footprint()
    }
}

impl Footprint for Reference {
    fn footprint(&self) -> usize {
        let digest = self.digest().map_or(size_of::<Option<Digest>>(), Digest::footprint);
        self.repository().footprint() + size_of::<Option<String>>() + self.tag().map_or(0, str::footprint) + digest
    }
}

impl Footprint for Platform {
    fn footprint(&self) -> usize {
        let Self { os, architecture, variant, os_version, os_features } = self;
        os.footprint()
            + architecture.footprint()
            + variant.footprint()
            + os_version.footprint()
            + os_features.footprint()
    }
}

impl Footprint for Descriptor {
    fn footprint(&self) -> usize {
        let Self { media_type, digest, size: _, platform, artifact_type, annotations, urls, data } = self;
        let texts = media_type.footprint() + digest.footprint() + artifact_type.footprint() + data.footprint();
        size_of::<u64>() + texts + platform.footprint() + annotations.footprint() + urls.footprint()
    }
}

impl Footprint for Unverifiable {
    fn footprint(&self) -> usize {
        let Self { member: _, place: _, media_type, digest, platform } = self;
        size_of::<&str>() + size_of::<usize>() + media_type.footprint() + digest.footprint() + platform.footprint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The footprint covers the value itself, and counts each addition to a descriptor once.
    #[test]
    fn every_byte_that_is_owned_counts() {
        let digest: Digest = format!("sha256:{:064}", 0).parse().unwrap();
        let plain = Descriptor::new("a/b", digest, 1);
        assert!(plain.footprint() >= size_of::<Descriptor>() + plain.media_type.len() + plain.digest.as_str().len());
        let text = || "x".repeat(1000);
        let platform = Platform { os: text(), os_features: vec![text()], ..Platform::parse("linux/amd64").unwrap() };
        let rows = [
            (Descriptor { artifact_type: Some(text()), ..plain.clone() }, 1000),
            (Descriptor { data: Some(text()), ..plain.clone() }, 1000),
            (Descriptor { urls: vec![text(), text()], ..plain.clone() }, 2000),
            (Descriptor { annotations: vec![(text(), text()); 3], ..plain.clone() }, 6000),
            (Descriptor { platform: Some(platform), ..plain.clone() }, 2000),
        ];
        for (descriptor, more) in rows {
            let grown = descriptor.footprint() - plain.footprint();
            assert!((more..more + 400).contains(&grown), "{grown} for {more}");
        }
        let reference = Reference::parse("registry.test/app:1").unwrap();
        assert!(reference.footprint() >= size_of::<Reference>() + "registry.testapp1".len());
        assert!(reference.footprint() < size_of::<Reference>() + 100);
    }
}
