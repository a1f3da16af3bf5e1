//! The directives in a file's first lines: `# syntax=`, `# escape=`, `# check=`.

use crate::error::{DockerfileError, Problem};

const NAMES: [&str; 3] = ["syntax", "escape", "check"];

/// The directives that decide how the rest of a file is read.
pub(crate) struct Directives {
    pub(crate) escape: char,
}

impl Directives {
    /// Reads the directives. They end at the first line that is none.
    pub(crate) fn read(text: &str) -> Result<Self, DockerfileError> {
        let mut seen = Vec::new();
        let mut escape = '\\';
        for (line, number) in text.lines().zip(1..) {
            let Some((name, value)) = directive(line.trim_start()) else { break };
            if seen.contains(&name) {
                return Err(Problem::Repeated(name).at(number));
            }
            seen.push(name);
            if name == "escape" {
                escape = match value {
                    "\\" => '\\',
                    "`" => '`',
                    other => return Err(Problem::Escape(other.to_owned()).at(number)),
                };
            }
        }
        Ok(Self { escape })
    }
}

/// Returns the frontend that a file names, with its line. A shebang may stand before it.
pub(crate) fn syntax(text: &str) -> Option<(u32, String)> {
    let lines = text.lines().zip(1..).skip_while(|(line, number)| *number == 1 && line.starts_with("#!"));
    let mut directives = lines.map_while(|(line, number)| Some((number, directive(line)?)));
    let (number, (_, value)) = directives.find(|(_, (name, _))| *name == "syntax")?;
    // What follows the first space are words for the frontend.
    let name = value.split(' ').next().unwrap_or_default();
    Some((number, name.to_owned()))
}

/// Returns the name and the value of a line that is a directive.
fn directive(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.strip_prefix('#')?.trim_start().split_once('=')?;
    let name = name.trim_end();
    let name = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
    let value = value.trim();
    (!value.is_empty()).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_stand_in_the_first_lines() {
        // the text, the escape character, the frontend
        let rows = [
            ("", '\\', None),
            ("# escape=`\n# syntax=a/b:1\nFROM x", '`', Some((2, "a/b:1"))),
            ("#escape = ` \r\n#  Syntax =\ta/b:1 \r\nFROM x", '`', Some((2, "a/b:1"))),
            ("# syntax=a/b:1 more words\nFROM x", '\\', Some((1, "a/b:1"))),
            ("#!/bin/sh\n# syntax=a/b:1\n# escape=`\n", '\\', Some((2, "a/b:1"))),
            ("\n# escape=`\n", '\\', None),
            ("# a comment\n# escape=`\n# syntax=x\n", '\\', None),
            ("# other=1\n# escape=`\n", '\\', None),
            ("# escape=\n# syntax=x\n", '\\', None),
            ("# check=skip=all\n# escape=`\n", '`', None),
            ("FROM x\n# escape=`\n", '\\', None),
            ("  # escape=`\n", '`', None),
        ];
        for (text, escape, wanted) in rows {
            assert_eq!(Directives::read(text).unwrap().escape, escape, "{text:?}");
            assert_eq!(syntax(text), wanted.map(|(line, name)| (line, name.to_owned())), "{text:?}");
        }
        let refused = |text| Directives::read(text).err().map(|error| error.to_string());
        assert_eq!(
            refused("# escape=`\n# escape=`").as_deref(),
            Some("line 2: the directive escape may stand only once")
        );
        assert_eq!(refused("# escape=|").as_deref(), Some("line 1: the escape character may be \\ or `, not |"));
    }
}
