//! Digests: valid and invalid ones.

use refkit_oci::{Algorithm, Digest};

#[test]
fn digests_of_three_algorithms() {
    for (algorithm, name, length) in
        [(Algorithm::Sha256, "sha256", 64), (Algorithm::Sha384, "sha384", 96), (Algorithm::Sha512, "sha512", 128)]
    {
        let hex = "0123456789abcdef".repeat(length / 16);
        let text = format!("{name}:{hex}");
        let digest: Digest = text.parse().unwrap();
        assert_eq!((digest.algorithm(), digest.hex(), digest.as_str()), (algorithm, hex.as_str(), text.as_str()));
        assert_eq!((digest.to_string(), digest.into_string()), (text.clone(), text));
        assert_eq!((algorithm.as_str(), algorithm.hex_len()), (name, length));
    }
}

#[test]
fn invalid_digests() {
    let hex = "a".repeat(64);
    let rows: &[(&str, String, &str)] = &[
        ("nothing", String::new(), "there is no ':'"),
        ("no algorithm", hex.clone(), "there is no ':'"),
        ("an empty algorithm", format!(":{hex}"), "the algorithm is none of"),
        ("an empty value", "sha256:".into(), "the value's length"),
        ("a way out of the directory", "sha256:../../x".into(), "the value's length"),
        ("the same, as long as a digest", format!("sha256:../../{}", "a".repeat(58)), "not lowercase hexadecimal"),
        ("a way out by the algorithm", format!("../sha256:{hex}"), "the algorithm is none of"),
        ("upper case", format!("sha256:{}", "A".repeat(64)), "not lowercase hexadecimal"),
        ("one upper-case digit", format!("sha256:{}A", "a".repeat(63)), "not lowercase hexadecimal"),
        ("an upper-case algorithm", format!("SHA256:{hex}"), "the algorithm is none of"),
        ("63 digits", format!("sha256:{}", "a".repeat(63)), "the value's length"),
        ("65 digits", format!("sha256:{}", "a".repeat(65)), "the value's length"),
        ("sha512 with the length of sha256", format!("sha512:{hex}"), "the value's length"),
        ("an unknown algorithm", format!("md5:{}", "a".repeat(32)), "the algorithm is none of"),
        ("an algorithm with a suffix", format!("sha256+b64:{hex}"), "the algorithm is none of"),
        ("a letter beyond f", format!("sha256:{}g", "a".repeat(63)), "not lowercase hexadecimal"),
        ("a blank before", format!(" sha256:{hex}"), "the algorithm is none of"),
        ("a line end behind", format!("sha256:{hex}\n"), "the value's length"),
        ("a line end in the last place", format!("sha256:{}\n", "a".repeat(63)), "not lowercase hexadecimal"),
        ("a NUL in the last place", format!("sha256:{}\0", "a".repeat(63)), "not lowercase hexadecimal"),
        ("64 bytes of other letters", format!("sha256:{}", "é".repeat(32)), "not lowercase hexadecimal"),
        ("a second colon", format!("sha256:sha256:{hex}"), "the value's length"),
    ];
    for (name, text, reason) in rows {
        let error = text.parse::<Digest>().expect_err(name);
        assert!(error.reason.contains(reason), "{name}: {error}");
    }
}

#[test]
fn an_error_quotes_160_characters_at_most() {
    let error = "é".repeat(100_000).parse::<Digest>().unwrap_err();
    assert_eq!(error.text, "é".repeat(160));
}
