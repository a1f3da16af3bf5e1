//! Content digests, as OCI image-spec 1.1, section "Digests".

use std::fmt;
use std::str::FromStr;

use crate::quoted::{Quoted, first};

/// A registered digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, 64 hex digits.
    Sha256,
    /// `sha384`, 96 hex digits.
    Sha384,
    /// `sha512`, 128 hex digits.
    Sha512,
}

impl Algorithm {
    /// Returns the algorithm's registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns how many hexadecimal digits an encoded value has.
    pub fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

/// A checked digest: `<algorithm>:<lowercase hex>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    text: String,
    algorithm: Algorithm,
}

impl Digest {
    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the lowercase hexadecimal part.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the whole text without a copy.
    pub fn into_string(self) -> String {
        self.text
    }
}

/// The error for a text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a digest: {reason}", Quoted(.text))]
pub struct DigestError {
    /// The text, at most its first 160 characters.
    pub text: String,
    /// The reason.
    pub reason: &'static str,
}

/// Returns whether a text is a digest by the grammar of OCI image-spec 1.1, section "Digests", with an algorithm that
/// is not registered.
pub(crate) fn is_of_unknown_algorithm(text: &str) -> bool {
    let Some((algorithm, encoded)) = text.split_once(':') else { return false };
    // Whether the previous character was a separator, because two must not be adjacent.
    let mut open = true;
    for byte in algorithm.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => open = false,
            b'+' | b'.' | b'_' | b'-' if !open => open = true,
            _ => return false,
        }
    }
    !open
        && !matches!(algorithm, "sha256" | "sha384" | "sha512")
        && !encoded.is_empty()
        && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-'))
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        let reason = match text.split_once(':') {
            None => "there is no ':' between algorithm and value",
            Some((name, hex)) => {
                let algorithm = match name {
                    "sha256" => Some(Algorithm::Sha256),
                    "sha384" => Some(Algorithm::Sha384),
                    "sha512" => Some(Algorithm::Sha512),
                    _ => None,
                };
                match algorithm {
                    None => "the algorithm is none of sha256, sha384, sha512",
                    Some(a) if hex.len() != a.hex_len() => "the value's length does not fit the algorithm",
                    Some(_) if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                        "the value is not lowercase hexadecimal"
                    }
                    Some(algorithm) => return Ok(Self { text, algorithm }),
                }
            }
        };
        Err(DigestError { text: first(&text, 160).to_owned(), reason })
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
