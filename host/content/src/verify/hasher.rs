//! Running digests.

use refkit_oci::{Algorithm, Digest};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A running digest of one algorithm.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384(Sha384),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Returns an empty hasher.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// Hashes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(h) => h.update(bytes),
            Self::Sha384(h) => h.update(bytes),
            Self::Sha512(h) => h.update(bytes),
        }
    }

    /// Returns `<algorithm>:<hex>` of all bytes.
    pub fn finish(self) -> String {
        match self {
            Self::Sha256(h) => text(Algorithm::Sha256, &h.finalize()),
            Self::Sha384(h) => text(Algorithm::Sha384, &h.finalize()),
            Self::Sha512(h) => text(Algorithm::Sha512, &h.finalize()),
        }
    }
}

fn text(algorithm: Algorithm, hash: &[u8]) -> String {
    let mut text = String::with_capacity(algorithm.as_str().len() + 1 + hash.len() * 2);
    text.push_str(algorithm.as_str());
    text.push(':');
    for byte in hash {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}

/// Returns the digest of bytes.
pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    Digest::try_from(hasher.finish()).expect("a hasher writes digests")
}
