//! A message that keeps the fields that RefKit does not know.

use std::fmt;

use bytes::{Bytes, BytesMut};
use prost::Message;

/// The most bytes of one message: 64 MiB. BuildKit accepts a quarter of that (`defaults.DefaultMaxRecvMsgSize`), so that
/// BuildKit's own limit takes effect first.
pub const MESSAGE_LIMIT: usize = 64 << 20;

/// An error about the bytes of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// The message exceeds [`MESSAGE_LIMIT`].
    #[error("the message has {size} bytes, more than the limit of {MESSAGE_LIMIT}")]
    TooLarge {
        /// The number of bytes.
        size: usize,
    },
    /// The bytes do not decode.
    #[error("the message is malformed: {0}")]
    Malformed(#[from] prost::DecodeError),
}

/// An encoded message together with the decoded one. The encoding keeps every field in the order in which it was
/// received, unknown fields included.
#[derive(Clone, PartialEq)]
pub struct Raw<M> {
    bytes: Bytes,
    view: M,
}

impl<M: Message + Default> Raw<M> {
    /// Decodes a message. Messages may nest 100 levels deep, which is prost's limit.
    ///
    /// # Errors
    /// [`RawError::TooLarge`], before the bytes are read; [`RawError::Malformed`].
    pub fn decode(bytes: Bytes) -> Result<Self, RawError> {
        if bytes.len() > MESSAGE_LIMIT {
            return Err(RawError::TooLarge { size: bytes.len() });
        }
        // The clone shares the buffer, and the byte fields of the view become slices of it.
        let view = M::decode(bytes.clone())?;
        Ok(Self { bytes, view })
    }

    /// Returns the message with a patch, as protobuf merges two messages: a scalar of the patch replaces the scalar, a
    /// message is merged, a map entry replaces the entry with the same key, and a list is appended to the list. A scalar
    /// that is zero or empty in the patch changes nothing.
    ///
    /// # Errors
    /// [`RawError::TooLarge`] where the result exceeds the limit.
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
    /// Returns the decoded message.
    pub fn view(&self) -> &M {
        &self.view
    }

    /// Returns the encoded message.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the decoded message without a copy.
    pub fn into_view(self) -> M {
        self.view
    }

    /// Returns the encoded message without a copy.
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

    /// A `SolveRequest` with unknown fields: 100 (a text), and 7 in its definition (a number).
    fn with_unknown_fields() -> Vec<u8> {
        let definition = [&[0x0a, 0x02, 0x01, 0x02][..], &[0x38, 0x2a]].concat();
        let mut bytes = vec![0x0a, definition.len() as u8];
        bytes.extend(definition);
        bytes.extend([0xa2, 0x06, 0x03, b'n', b'e', b'w']);
        bytes
    }

    #[test]
    fn unknown_fields_survive() {
        let raw = Raw::<pb::SolveRequest>::decode(Bytes::from(with_unknown_fields())).unwrap();
        assert_eq!(raw.view().definition.as_ref().unwrap().def, [Bytes::from_static(&[1, 2])]);
        assert_eq!(raw.bytes()[..], with_unknown_fields());
        let policy = pb::Policy { version: 1, rules: Vec::new() };
        let patch = pb::SolveRequest { source_policies: vec![policy.clone()], evaluate: true, ..Default::default() };
        let changed = raw.with(&patch).unwrap().with(&patch).unwrap();
        assert!(changed.bytes().starts_with(&with_unknown_fields()));
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
        // A source map may contain definitions. Decoding skips them at any depth.
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
