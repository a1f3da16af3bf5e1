//! The common name in the subject of a certificate. Many client certificates have no other name.

/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;

/// The strings of DER that are UTF-8 or ASCII.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// The object identifier of a common name, 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// Returns the last common name in a subject (DER, without the outer tag and length), as other programs take it.
pub(super) fn common_name(mut subject: &[u8]) -> Option<&str> {
    let mut found = None;
    while let Some((SET, mut attributes, rest)) = value(subject) {
        subject = rest;
        while let Some((SEQUENCE, attribute, rest)) = value(attributes) {
            attributes = rest;
            if let Some((OBJECT, name, rest)) = value(attribute)
                && name == COMMON_NAME
                && let Some((tag, text, [])) = value(rest)
                && TEXTS.contains(&tag)
            {
                found = std::str::from_utf8(text).ok();
            }
        }
    }
    found
}

/// Returns the tag and the contents of the first value, and what follows it.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk::<2>().map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `C=DE, CN=builder`, as openssl writes it.
    const SUBJECT: &[u8] =
        b"\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02DE\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07builder";

    #[test]
    fn the_common_name_is_found() {
        assert_eq!(common_name(SUBJECT), Some("builder"));
        assert_eq!(common_name(&SUBJECT[..13]), None);
        let two = [SUBJECT, b"\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01x"].concat();
        assert_eq!(common_name(&two), Some("x"));
    }

    #[test]
    fn a_malformed_subject_has_none() {
        for end in 0..SUBJECT.len() {
            assert_eq!(common_name(&SUBJECT[..end]), None, "{end}");
        }
        for bytes in [&b"\x31\x84\xff\xff\xff\xff"[..], b"\x31\x80", b"\x31\x82\xff", b"\x30\x00", b"\x31\x02\x30\x7f"]
        {
            assert_eq!(common_name(bytes), None, "{bytes:?}");
        }
    }
}
