//! Sizes in bytes, with the units of 1024.

/// Parses a size: `20GiB`, `512MiB`, `4096`. Units of 1000 are refused, because half of those who write `GB` mean 1024.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let rows = [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("4096B", Some(4096)),
            ("64KiB", Some(64 << 10)),
            ("512MiB", Some(512 << 20)),
            ("20GiB", Some(20 << 30)),
            ("2TiB", Some(2 << 40)),
            ("", None),
            ("GiB", None),
            ("20GB", None),
            ("20G", None),
            ("20 GiB", None),
            ("1.5GiB", None),
            ("-1", None),
            ("99999999999999TiB", None),
        ];
        for (text, wanted) in rows {
            assert_eq!(parse(text), wanted, "{text:?}");
        }
    }
}
