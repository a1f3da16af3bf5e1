//! The flags before an instruction's arguments, and the fields of one flag.

/// Splits arguments into the words at their begin that begin with `--`, without quotes and escape characters, and the
/// rest. The word `--` ends the flags.
pub(crate) fn split(arguments: &str, escape: char) -> (Vec<String>, &str) {
    let mut flags = Vec::new();
    let mut rest = arguments.trim_start();
    while rest.starts_with("--") {
        let (word, end) = word(rest, escape);
        rest = &rest[end..];
        if word == "--" {
            break;
        }
        flags.push(word);
        rest = rest.trim_start();
    }
    (flags, rest)
}

/// Returns the first word of a text, and where it ends.
fn word(text: &str, escape: char) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match quote {
            None if character.is_whitespace() => return (word, place),
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if character == open => quote = None,
            // An escape character at the end stands for nothing.
            _ if character == escape => word.extend(characters.next().map(|(_, next)| next)),
            _ => word.push(character),
        }
    }
    (word, text.len())
}

/// Returns the fields of a flag's value, which commas separate. A comma in double quotes separates nothing.
pub(crate) fn fields(value: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else { break };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_before_the_arguments() {
        // the arguments, the flags, the rest
        let rows: [(&str, &[&str], &str); 10] = [
            ("", &[], ""),
            ("a --b", &[], "a --b"),
            ("--a --b=c  d", &["--a", "--b=c"], "d"),
            ("  --a\tb", &["--a"], "b"),
            ("--a -- --b", &["--a"], " --b"),
            ("--a='b c' d", &["--a=b c"], "d"),
            ("--a=\"b\\\"'c\" d", &["--a=b\"'c"], "d"),
            ("--a=b\\ c d", &["--a=b c"], "d"),
            ("--a=b\\", &["--a=b"], ""),
            ("--é=ü", &["--é=ü"], ""),
        ];
        for (arguments, flags, rest) in rows {
            let (read, left) = split(arguments, '\\');
            assert_eq!((read, left), (flags.iter().map(|&flag| flag.to_owned()).collect(), rest), "{arguments:?}");
        }
    }

    #[test]
    fn commas_separate_fields() {
        let rows: [(&str, &[&str]); 5] = [
            ("", &[""]),
            ("a=b,c", &["a=b", "c"]),
            ("\"a=b,c\",d", &["a=b,c", "d"]),
            ("\"a\"\"b\",c\"d", &["a\"b", "c\"d"]),
            (",", &["", ""]),
        ];
        for (value, wanted) in rows {
            assert_eq!(fields(value), wanted, "{value:?}");
        }
    }
}
