//! Finds the known key that is nearest to a misspelt one.

/// A key with more characters than this was written by mistake, and computing its distance takes long.
pub(crate) const LONG_KEY: usize = 100;

/// Returns a question with the known word that was probably meant, or a list of all of them if none is near.
pub(crate) fn nearest(word: &str, known: &[&str]) -> String {
    let near = known.iter().filter(|_| word.len() <= LONG_KEY);
    let near = near.map(|known| (strsim::damerau_levenshtein(word, known), known)).min();
    match near {
        Some((distance, known)) if distance <= 1 + known.len() / 3 => format!("; is {known} meant?"),
        _ => format!("; what is known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key() {
        let keys = ["mirrors", "http", "ca", "connect_timeout", "concurrency"];
        for (word, wanted) in [
            ("miror", "; is mirrors meant?"),
            ("mirror", "; is mirrors meant?"),
            ("htp", "; is http meant?"),
            ("connect-timeout", "; is connect_timeout meant?"),
            ("concurency", "; is concurrency meant?"),
            ("tlsconfigdir", "; what is known: mirrors, http, ca, connect_timeout, concurrency"),
            (&"m".repeat(1 << 20), "; what is known: mirrors, http, ca, connect_timeout, concurrency"),
        ] {
            assert_eq!(nearest(word, &keys), wanted);
        }
    }
}
