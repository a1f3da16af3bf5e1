//! What a document may cost, checked before a parser sees it.

use super::DocumentError;

/// The bounds of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes.
    pub bytes: usize,
    /// The most descriptors in its lists.
    pub descriptors: usize,
    /// The most levels of objects and lists in one another.
    pub depth: usize,
}

/// 4 MiB, as OCI distribution 1.1, section "Pushing Manifests"; 10,000 descriptors; 32 levels, of which what the
/// specification knows needs 5.
impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 20, descriptors: 10_000, depth: 32 }
    }
}

/// A descriptor in a list of the document stands so deep.
const LISTED: usize = 3;

impl Limits {
    /// Checks bytes that should be JSON. One pass, no allocation: what is no JSON the parser tells afterwards.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), DocumentError> {
        if bytes.len() > self.bytes {
            return Err(DocumentError::TooLarge { size: bytes.len(), limit: self.bytes });
        }
        let (mut depth, mut listed) = (0_usize, 0_usize);
        let mut rest = bytes.iter();
        while let Some(byte) = rest.next() {
            match byte {
                b'"' => skip_text(&mut rest),
                b'{' | b'[' => {
                    depth += 1;
                    if depth > self.depth {
                        return Err(DocumentError::TooDeep { limit: self.depth });
                    }
                    if depth == LISTED && *byte == b'{' {
                        listed += 1;
                        if listed > self.descriptors {
                            return Err(DocumentError::TooMany { limit: self.descriptors });
                        }
                    }
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }
}

fn skip_text(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = rest.next(),
            _ => {}
        }
    }
}
