//! The colours of messages: of the word that says what a message is, of hints, and of the outcomes in an explanation.

/// What ends a colour.
const END: &str = "\x1b[0m";

/// Bold red.
const BAD: &str = "\x1b[1;31m";

/// Bold green.
const GOOD: &str = "\x1b[1;32m";

/// Bold yellow.
const NOTED: &str = "\x1b[1;33m";

/// Cyan, as in the progress.
const HINT: &str = "\x1b[36m";

/// The words that begin a message, and their colours.
const WORDS: [(&str, &str); 3] = [("error:", BAD), ("denied:", BAD), ("note:", NOTED)];

/// What a policy has decided, behind an arrow in the explanation.
const OUTCOMES: [(&str, &str); 4] = [("resolved", GOOD), ("published", GOOD), ("denied", BAD), ("failed", BAD)];

/// Returns the lines of messages with colours. They are escaped, so each line is one of RefKit's own.
pub fn coloured(messages: &str) -> String {
    let mut message = false;
    let lines = messages.split('\n').map(|line| {
        if let Some((word, colour)) = WORDS.iter().find(|(word, _)| line.starts_with(word)) {
            message = true;
            return format!("{colour}{word}{END}{}", &line[word.len()..]);
        }
        // Below a message, in the lines that belong to it.
        message &= line.starts_with("  ");
        if message { format!("{HINT}{line}{END}") } else { outcome(line) }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a line of an explanation, with a colour if it is about the decision of a policy.
fn outcome(line: &str) -> String {
    let (tree, said) = line.split_at(line.find(|c: char| !(c.is_whitespace() || c == '│')).unwrap_or(line.len()));
    let Some(said) = said.strip_prefix("→ ") else { return line.to_owned() };
    let word = said.split([' ', ':']).next().unwrap_or_default();
    match OUTCOMES.iter().find(|(known, _)| *known == word) {
        Some((_, colour)) => format!("{tree}→ {colour}{word}{END}{}", &said[word.len()..]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_colours_and_nothing_else_changes() {
        // messages, the same with colours in braces
        let rows = [
            ("error: cannot", "{error:} cannot"),
            ("error: one\n  try: this\n  or that\ndenied: a", "{error:} one\n{  try: this}\n{  or that}\n{denied:} a"),
            ("note: of this index\n", "{note:} of this index\n"),
            ("errors: 3", "errors: 3"),
            ("run\n  no hint", "run\n  no hint"),
            (
                "└─ policy default: r/a  1 ms\n   │  → resolved sha256:1",
                "└─ policy default: r/a  1 ms\n   │  → {resolved} sha256:1",
            ),
            ("│  → denied by rule r", "│  → {denied} by rule r"),
            ("   → failed (timeout): no", "   → {failed} (timeout): no"),
            ("   → published sha256:1", "   → {published} sha256:1"),
            ("   → sha256:1  5 B", "   → sha256:1  5 B"),
            ("└─ info: → failed", "└─ info: → failed"),
            ("", ""),
        ];
        for (messages, wanted) in rows {
            let found = coloured(messages);
            let braces =
                [BAD, GOOD, NOTED, HINT].iter().fold(found.replace(END, "}"), |text, on| text.replace(on, "{"));
            assert_eq!(braces, wanted);
        }
    }
}
