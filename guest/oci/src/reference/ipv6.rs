//! IPv6 addresses in the spelling of RFC 5952. It is hand-written, because the standard library's reader and writer
//! add 6 KB to every component that reads references.

use std::fmt::Write as _;

const GROUPS: usize = 8;

/// Returns an address in its normal spelling; `None` if it is none. It does not read an IPv4 address at the end.
pub(super) fn normal(text: &str) -> Option<String> {
    let address = read(text)?;
    // The first of the longest runs of zeros is left out, if it has two or more.
    let (mut start, mut length) = (0, 0);
    for first in 0..GROUPS {
        let run = address[first..].iter().take_while(|group| **group == 0).count();
        if run > length.max(1) {
            (start, length) = (first, run);
        }
    }
    let mut normal = String::new();
    let mut place = 0;
    while place < GROUPS {
        if place == start && length > 0 {
            normal.push_str("::");
            place += length;
            continue;
        }
        if !normal.is_empty() && !normal.ends_with(':') {
            normal.push(':');
        }
        write!(normal, "{:x}", address[place]).ok()?;
        place += 1;
    }
    Some(normal)
}

/// Returns whether an address in its normal spelling is an IPv4 address.
pub(super) fn is_ipv4(normal: &str) -> bool {
    read(normal).is_some_and(|address| address[..5].iter().all(|group| *group == 0) && address[5] == 0xffff)
}

fn read(text: &str) -> Option<[u16; GROUPS]> {
    let (head, tail) = match text.split_once("::") {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    };
    let (mut address, mut end) = ([0; GROUPS], [0; GROUPS]);
    let before = groups(head, &mut address)?;
    let Some(tail) = tail else { return (before == GROUPS).then_some(address) };
    let behind = groups(tail, &mut end)?;
    if before + behind >= GROUPS {
        return None;
    }
    address[GROUPS - behind..].copy_from_slice(&end[..behind]);
    Some(address)
}

/// Reads groups with colons between them, and returns their number.
fn groups(text: &str, into: &mut [u16; GROUPS]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    for group in text.split(':') {
        if !matches!(group.len(), 1..=4) || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        *into.get_mut(count)? = u16::from_str_radix(group, 16).ok()?;
        count += 1;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::{is_ipv4, normal};

    /// For every text of up to nine of these pieces, this module and the standard library read and write the same.
    #[test]
    fn as_the_standard_library() {
        let pieces = ["0", "1", "00aB", "ffff", ":", "::", "12345"];
        let (mut addresses, mut others) = (0, 0);
        let mut state = 5_u64;
        for _ in 0..200_000 {
            let mut text = String::new();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut choices = state >> 8;
            for place in 0..17 {
                // Mostly groups and colons in turn.
                let piece = match (choices % 61, place % 2) {
                    (0, _) => pieces[6],
                    (1..=6, _) => "::",
                    (7, _) => "",
                    (choice, 0) => pieces[choice as usize % 4],
                    _ => ":",
                };
                text.push_str(piece);
                choices = (choices / 61).rotate_left(9) ^ state;
                if place == 14 && choices.is_multiple_of(3) {
                    break;
                }
            }
            let theirs = text.parse::<Ipv6Addr>().ok();
            match (theirs, normal(&text)) {
                (Some(theirs), Some(own)) => {
                    addresses += 1;
                    assert_eq!(is_ipv4(&own), theirs.to_ipv4_mapped().is_some(), "{text}");
                    assert!(is_ipv4(&own) || own == theirs.to_string(), "{text}: {own} and {theirs}");
                    assert_eq!(normal(&own), Some(own));
                }
                (None, None) => others += 1,
                (theirs, own) => panic!("{text}: {own:?} and {theirs:?}"),
            }
        }
        assert!(addresses > 1000 && others > 1000, "{addresses} addresses, {others} others");
    }

    #[test]
    fn spellings() {
        let rows = [
            ("::", Some("::")),
            ("0:0:0:0:0:0:0:0", Some("::")),
            ("::1", Some("::1")),
            ("1::", Some("1::")),
            ("2001:DB8:0:0:1:0:0:1", Some("2001:db8::1:0:0:1")),
            ("2001:db8:0:1:1:1:1:1", Some("2001:db8:0:1:1:1:1:1")),
            ("1:0:0:2:0:0:0:3", Some("1:0:0:2::3")),
            ("::ffff:7f00:1", Some("::ffff:7f00:1")),
            ("::127.0.0.1", None),
            ("1:2:3:4:5:6:7::8", None),
            ("1:2:3:4:5:6:7:8:9", None),
            (":::", None),
            ("1:", None),
            (":1", None),
            ("", None),
            ("12345::", None),
            ("+1::", None),
        ];
        for (text, wanted) in rows {
            assert_eq!(normal(text).as_deref(), wanted, "{text}");
        }
        assert!(is_ipv4("::ffff:7f00:1") && !is_ipv4("::7f00:1") && !is_ipv4("1::ffff:7f00:1"));
    }
}
