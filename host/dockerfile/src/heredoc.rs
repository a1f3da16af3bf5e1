//! Heredocs: which ones a line begins, and where they end.

use crate::lex;

/// A heredoc of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heredoc {
    /// The line that ends it.
    pub(crate) name: String,
    /// Whether tabs may stand before its name.
    tabs: bool,
}

impl Heredoc {
    /// Returns whether a line ends the heredoc.
    pub(crate) fn ends(&self, line: &str) -> bool {
        let line = if self.tabs { line.trim_start_matches('\t') } else { line };
        line == self.name
    }
}

/// Returns the heredocs that a line begins, in their order. A line with an open quote begins none.
pub(crate) fn of_line(line: &str) -> Vec<Heredoc> {
    if !line.contains("<<") {
        return Vec::new();
    }
    let words = lex::words(line, true).unwrap_or_default();
    words.iter().filter_map(|word| heredoc(word)).collect()
}

/// Reads `[DIGITS]<<[-]NAME`.
fn heredoc(word: &str) -> Option<Heredoc> {
    let rest = word.trim_start_matches(|character: char| character.is_ascii_digit()).strip_prefix("<<")?;
    let (tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    match &mut lex::words(rest, false).ok()?[..] {
        [name] => Some(Heredoc { name: std::mem::take(name), tabs }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_heredocs() {
        // the line, the names
        let rows: [(&str, &[&str]); 20] = [
            ("RUN a", &[]),
            ("RUN <<A", &["A"]),
            ("RUN <<-A", &["A"]),
            ("RUN << A", &["A"]),
            ("RUN <<A b <<B", &["A", "B"]),
            ("RUN cat <<A >b", &["A"]),
            ("RUN 3<<A", &["A"]),
            ("RUN x<<A", &[]),
            ("RUN <<'A B'", &["A B"]),
            ("RUN <<\"A\"", &["A"]),
            ("RUN <<A'B'", &["AB"]),
            ("RUN <<\\A", &["A"]),
            ("RUN '<<A'", &[]),
            ("RUN \"<<A\"", &[]),
            ("RUN <<<A", &[]),
            ("RUN <<", &[]),
            ("RUN <<''", &[]),
            ("RUN it's <<A", &[]),
            ("RUN $((1<<A))", &[]),
            ("RUN <<$A", &["$A"]),
        ];
        for (line, names) in rows {
            let read: Vec<String> = of_line(line).into_iter().map(|heredoc| heredoc.name).collect();
            assert_eq!(read, names, "{line}");
        }
    }

    #[test]
    fn tabs_may_stand_before_the_end() {
        let [plain, tabs] = &of_line("RUN <<A <<-A")[..] else { panic!("there are two") };
        assert!(plain.ends("A") && !plain.ends("\tA") && !plain.ends("A "));
        assert!(tabs.ends("A") && tabs.ends("\t\tA") && !tabs.ends(" A"));
    }
}
