//! Wraps the help into lines that fit a terminal, and prints its headings and names in bold.

/// The columns of a line of help.
const WIDTH: usize = 80;

/// Where the second column of a line begins at the latest: further right there is no room for its text.
const SECOND_COLUMN: usize = 48;

/// Returns the lines of a text by clap, without spaces at their ends. What is longer continues in the next line, below the
/// text that it belongs to.
pub fn wrapped(text: &str) -> Vec<String> {
    text.trim_end().lines().flat_map(|line| wrap(line.trim_end())).collect()
}

fn wrap(line: &str) -> Vec<String> {
    if line.chars().count() <= WIDTH {
        return vec![line.to_owned()];
    }
    let begin = text_begin(line);
    let (head, text) = line.split_at_checked(begin).unwrap_or(("", line));
    let indent = " ".repeat(head.chars().count());
    let mut lines = Vec::new();
    let mut last = head.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && last.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut last, indent.clone()));
            empty = true;
        }
        if !empty {
            last.push(' ');
        }
        last.push_str(word);
        empty = false;
    }
    lines.push(last);
    lines
}

/// Returns where the text of a line begins: after a list's `- NAME:`, in the second column, or at the line's first word.
fn text_begin(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let after = |head: &str| {
        let text = rest.strip_prefix(head)?;
        Some(line.len() - text.trim_start().len())
    };
    if let Some((name, _)) = rest.split_once(": ")
        && (name.starts_with("- ") || name == "Usage")
    {
        return after(&format!("{name}:")).unwrap_or(indent);
    }
    let second = rest.split_once("  ").and_then(|(first, _)| after(first));
    second.filter(|column| *column <= SECOND_COLUMN).unwrap_or(indent)
}

/// Returns the lines with the headings, and with the names of commands and options, in bold.
pub fn styled(lines: Vec<String>) -> Vec<String> {
    let mut commands = false;
    let lines = lines.into_iter().map(|line| {
        let name = line.trim_start();
        let indent = line.len() - name.len();
        if indent == 0 {
            commands = line == "Commands:" || (commands && !line.ends_with(':'));
            return match line.split_once(": ") {
                Some(("Usage", rest)) => format!("{} {rest}", bold("Usage:")),
                _ if line.ends_with(':') => bold(&line),
                _ => line,
            };
        }
        let option = name.starts_with('-') && !name.starts_with("- ");
        let command = commands && indent == 2;
        if !option && !command {
            return line;
        }
        let first = name.split("  ").next().unwrap_or_default();
        let words = first.split(' ').map(|word| {
            let (name, value) = word.split_at(word.find(['<', '[', '.', '=']).unwrap_or(word.len()));
            if name.is_empty() { word.to_owned() } else { format!("{}{value}", bold(name)) }
        });
        let words: Vec<String> = words.collect();
        format!("{}{}{}", &line[..indent], words.join(" "), &name[first.len()..])
    });
    lines.collect()
}

fn bold(text: &str) -> String {
    format!("\x1b[1m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_names_are_bold() {
        // lines, the same with `*` around what is bold
        let rows: [(&[&str], &[&str]); 4] = [
            (&["Does it: well.", "", "Usage: refkit [OPTIONS]"], &["Does it: well.", "", "*Usage:* refkit [OPTIONS]"]),
            (
                &["Commands:", "  copy  Copies", "        them", "", "Options:", "  that is all"],
                &["*Commands:*", "  *copy*  Copies", "        them", "", "*Options:*", "  that is all"],
            ),
            (
                &["  -v, --verbose...  Logs", "      --set <NAME=VALUE>", "          A setting -v", "  -h, --help"],
                &[
                    "  *-v,* *--verbose*...  Logs",
                    "      *--set* <NAME=VALUE>",
                    "          A setting -v",
                    "  *-h,* *--help*",
                ],
            ),
            (&["          - never: nothing"], &["          - never: nothing"]),
        ];
        for (lines, wanted) in rows {
            let found = styled(lines.iter().map(|line| (*line).to_owned()).collect());
            let found: Vec<_> = found.iter().map(|line| line.replace("\x1b[1m", "*").replace("\x1b[0m", "*")).collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_line_continues_below_its_text() {
        let text = "seven words which are no longer than seven of them are";
        // what stands before the text, how far the next line is indented
        let rows = [
            ("", 0),
            ("          ", 10),
            ("          - never:   ", 21),
            ("          - default: ", 21),
            ("  -f, --file <FILE>      ", 25),
            ("Usage: ", 7),
            // A second column that leaves no room is none.
            (&format!("  --{}  ", "x".repeat(60)), 2),
        ];
        for (before, indent) in rows {
            let line = format!("{before}{text} {text}");
            let lines = wrap(&line);
            assert!(lines.len() > 1 && lines.iter().all(|line| line.len() <= WIDTH), "{lines:#?}");
            for next in &lines[1..] {
                assert_eq!(next.len() - next.trim_start().len(), indent, "{before:?}: {lines:#?}");
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&lines.join("\n")), words(&line));
        }
    }

    #[test]
    fn only_what_is_too_long_changes() {
        let fits = "x".repeat(WIDTH);
        // a line, its lines
        let rows: [(&str, &[&str]); 4] = [
            (&fits, &[&fits]),
            ("a  b   ", &["a  b"]),
            ("    ", &[""]),
            // A word has no place to break.
            (&format!("  {fits} {fits}"), &[&format!("  {fits}"), &format!("  {fits}")]),
        ];
        for (line, wanted) in rows {
            assert_eq!(wrapped(&format!("{line}\nend"))[..wanted.len()], *wanted, "{line:?}");
        }
        assert_eq!(wrapped("\n"), Vec::<String>::new());
    }
}
