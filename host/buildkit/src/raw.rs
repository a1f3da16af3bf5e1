//! A message as it came, with a view of what is known of it.

use std::fmt;

use bytes::{Bytes, BytesMut};
use prost::Message;

/// The most bytes of one message: 64 MiB, four times what BuildKit itself accepts (its
/// `defaults.DefaultMaxRecvMsgSize` is 16 MiB), so that it is BuildKit that refuses.
pub const MESSAGE_LIMIT: usize = 64 << 20;

/// Why bytes are not the message that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// There are too many bytes.
    #[error("the message has {size} bytes, more than the limit of {MESSAGE_LIMIT}")]
    TooLarge {
        /// The number of bytes.
        size: usize,
    },
    /// The bytes are no such message.
    #[error("the message is malformed: {0}")]
    Malformed(#[from] prost::DecodeError),
}

/// The encoding of a message, and the message that it decodes to. What [`Raw::bytes`] hands on has every field that
/// came, those not known here included, in the order in which they came.
#[derive(Clone, PartialEq)]
pub struct Raw<M> {
    bytes: Bytes,
    view: M,
}

impl<M: Message + Default> Raw<M> {
    /// Reads a message. Messages within each other may be 100 deep, which is prost's limit.
    ///
    /// # Errors
    /// [`RawError::TooLarge`] before anything is read, [`RawError::Malformed`].
    pub fn decode(bytes: Bytes) -> Result<Self, RawError> {
        if bytes.len() > MESSAGE_LIMIT {
            return Err(RawError::TooLarge { size: bytes.len() });
        }
        // A handle on the same bytes, of which the view's own byte fields become parts without a copy.
        let view = M::decode(bytes.clone())?;
        Ok(Self { bytes, view })
    }

    /// Returns the message changed by another one, as protobuf merges them: a scalar of the patch replaces, a message
    /// is merged, an entry of a map replaces the entry of the same key, a list is added to the end of the list. A
    /// scalar that is zero or empty in the patch changes nothing.
    ///
    /// # Errors
    /// [`RawError::TooLarge`].
    pub fn with(&self, patch: &M) -> Result<Self, RawError> {
        let size = self.bytes.len().saturating_add(patch.encoded_len());
        if size > MESSAGE_LIMIT {
            return Err(RawError::TooLarge { size });
        }
        let mut bytes = BytesMut::with_capacity(size);
        bytes.extend_from_slice(&self.bytes);
        patch.encode_raw(&mut bytes);
        Self::decode(bytes.freeze())
    }
}

impl<M> Raw<M> {
    /// Returns what is known of the message.
    pub fn view(&self) -> &M {
        &self.view
    }

    /// Returns the message's encoding.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns what is known of the message, without a copy.
    pub fn into_view(self) -> M {
        self.view
    }

    /// Returns the message's encoding, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl<M: Message> From<M> for Raw<M> {
    fn from(view: M) -> Self {
        Self { bytes: Bytes::from(view.encode_to_vec()), view }
    }
}

impl<M: fmt::Debug> fmt::Debug for Raw<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("bytes", &self.bytes.len()).field("view", &self.view).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb;

    /// `SolveRequest` with fields that are not known here: 100 (a text), and 7 within its definition (a number).
    fn stranger() -> Vec<u8> {
        let definition = [&[0x0a, 0x02, 0x01, 0x02][..], &[0x38, 0x2a]].concat();
        let mut bytes = vec![0x0a, definition.len() as u8];
        bytes.extend(definition);
        bytes.extend([0xa2, 0x06, 0x03, b'n', b'e', b'w']);
        bytes
    }

    #[test]
    fn unknown_fields_survive() {
        let raw = Raw::<pb::SolveRequest>::decode(Bytes::from(stranger())).unwrap();
        assert_eq!(raw.view().definition.as_ref().unwrap().def, [Bytes::from_static(&[1, 2])]);
        assert_eq!(raw.bytes()[..], stranger());
        let policy = pb::Policy { version: 1, rules: Vec::new() };
        let patch = pb::SolveRequest { source_policies: vec![policy.clone()], evaluate: true, ..Default::default() };
        let changed = raw.with(&patch).unwrap().with(&patch).unwrap();
        assert!(changed.bytes().starts_with(&stranger()));
        assert_eq!(changed.view().source_policies, [policy.clone(), policy]);
        assert!(changed.view().evaluate);
        assert_eq!(changed.view().definition, raw.view().definition);
    }

    #[test]
    fn patches_merge() {
        let source = |identifier: &str, attrs: &[(&str, &str)]| pb::SourceOp {
            identifier: identifier.to_owned(),
            attrs: attrs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        let message = |source| pb::ResolveSourceMetaRequest { source: Some(source), ..Default::default() };
        let raw = Raw::from(message(source("docker-image://a", &[("a", "1"), ("b", "2")])));
        let changed = raw.with(&message(source("docker-image://b", &[("b", "3")]))).unwrap();
        assert_eq!(*changed.view(), message(source("docker-image://b", &[("a", "1"), ("b", "3")])));
        let unchanged = changed.with(&message(source("", &[]))).unwrap();
        assert_eq!(unchanged.view(), changed.view());
    }

    #[test]
    fn bounds() {
        let large = Bytes::from(vec![0; MESSAGE_LIMIT + 1]);
        let size = large.len();
        assert_eq!(Raw::<pb::SolveRequest>::decode(large).unwrap_err(), RawError::TooLarge { size });
        let full = Raw::<pb::ReadFileResponse>::from(pb::ReadFileResponse { data: Bytes::from(vec![0; 60 << 20]) });
        assert!(matches!(full.with(full.view()), Err(RawError::TooLarge { .. })));
        // A definition's source map may hold definitions; they are skipped, however deep they lie.
        let mut deep = Vec::new();
        for _ in 0..2000 {
            let mut outer = vec![0x1a];
            prost::encode_length_delimiter(deep.len(), &mut outer).unwrap();
            outer.extend(deep);
            deep = outer;
        }
        assert!(Raw::<pb::SourceInfo>::decode(Bytes::from(deep)).is_ok());
    }
}
