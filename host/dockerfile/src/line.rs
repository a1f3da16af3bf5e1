//! From lines to instructions: continued lines, comments between them, and heredocs.

use crate::error::{DockerfileError, Problem};
use crate::heredoc;
use crate::instruction::Instruction;

/// Returns the instructions of a text. The bodies of heredocs are left out.
pub(crate) fn instructions(text: &str, escape: char) -> Result<Vec<Instruction>, DockerfileError> {
    let mut lines = text.split_inclusive('\n').zip(1u32..);
    let mut instructions = Vec::new();
    while let Some((first, number)) = lines.next() {
        let first = without_end(first).trim_start();
        let first = if first.starts_with('#') { "" } else { first };
        let (start, mut continued) = without_continuation(first, escape);
        if !continued && start.is_empty() {
            continue;
        }
        let mut line = start.to_owned();
        while continued {
            let Some((next, _)) = lines.next() else { break };
            let next = without_end(next);
            // Comments and empty lines between continued ones are nothing.
            if next.trim_start().is_empty() || next.trim_start().starts_with('#') {
                continue;
            }
            let (part, more) = without_continuation(next, escape);
            line.push_str(part);
            continued = more;
        }
        let instruction = Instruction::read(&line, number, escape)?;
        if instruction.may_have_heredocs() {
            for heredoc in heredoc::of_line(&line) {
                let ends = lines.by_ref().any(|(line, _)| heredoc.ends(without_end(line)));
                if !ends {
                    return Err(Problem::Heredoc(heredoc.name).at(number));
                }
            }
        }
        instructions.push(instruction);
    }
    Ok(instructions)
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// Returns a line without the escape character that continues it, and whether there is one. An escape character before
/// it takes its meaning away.
fn without_continuation(line: &str, escape: char) -> (&str, bool) {
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(rest) if !rest.ends_with(escape) => (rest, true),
        _ => (line, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, escape: char) -> Vec<(u32, String)> {
        let instructions = instructions(text, escape).unwrap();
        instructions.into_iter().map(|one| (one.line, format!("{} {}", one.keyword, one.rest))).collect()
    }

    #[test]
    fn lines_become_instructions() {
        // the text, its instructions with their lines
        let rows: [(&str, &[(u32, &str)]); 14] = [
            ("", &[]),
            ("\n  \n# comment\n  # comment\n", &[]),
            ("from a\nRUN b", &[(1, "FROM a"), (2, "RUN b")]),
            ("  FROM\ta  \r\n", &[(1, "FROM a")]),
            ("RUN a \\\n  b\nRUN c", &[(1, "RUN a   b"), (3, "RUN c")]),
            ("RUN a \\ \t\n# no\n\n  # no\n b\\\nc\nRUN d", &[(1, "RUN a  bc"), (7, "RUN d")]),
            ("RUN a \\\\\nRUN b", &[(1, "RUN a \\\\"), (2, "RUN b")]),
            ("RUN a `\nRUN b", &[(1, "RUN a `"), (2, "RUN b")]),
            ("\\\nRUN a", &[(1, "RUN a")]),
            ("RUN a \\", &[(1, "RUN a")]),
            ("RUN <<A <<-B\nFROM x\nA\n\tFROM y\n\tB\nRUN c", &[(1, "RUN <<A <<-B"), (6, "RUN c")]),
            ("RUN cat <<'E O' >x\nE\nE O\nRUN c", &[(1, "RUN cat <<'E O' >x"), (4, "RUN c")]),
            ("RUN [\"a\", \"<<A\"]\nRUN b", &[(1, "RUN [\"a\", \"<<A\"]"), (2, "RUN b")]),
            ("ONBUILD COPY <<A /a\nFROM x\r\nA\r\nCMD <<A\n", &[(1, "ONBUILD COPY <<A /a"), (4, "CMD <<A")]),
        ];
        for (text, wanted) in rows {
            let wanted: Vec<_> = wanted.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
            assert_eq!(read(text, '\\'), wanted, "{text:?}");
        }
        assert_eq!(read("RUN a `\nb\\\nRUN c", '`'), [(1, "RUN a b\\".to_owned()), (3, "RUN c".to_owned())]);
    }

    #[test]
    fn a_heredoc_needs_its_end() {
        for text in
            ["FROM a\nRUN <<A", "FROM a\nRUN <<A\nB\nA \n", "FROM a\nRUN <<A\n\tA\n", "FROM a\nADD <<A <<B /\nA\n"]
        {
            let error = instructions(text, '\\').unwrap_err();
            assert!(matches!((error.line, error.problem), (2, Problem::Heredoc(_))), "{text:?}");
        }
    }
}
