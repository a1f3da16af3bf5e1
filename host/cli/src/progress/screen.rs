//! What standard error can show.

use std::ffi::OsString;

/// What standard error can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// It is a terminal.
    pub terminal: bool,
    /// It can move its cursor, so that lines can be drawn again.
    pub moves: bool,
    /// It shows colours, and the user wants them.
    pub colours: bool,
}

impl Screen {
    /// Returns what a file can show by the variables `TERM` and `NO_COLOR`. <https://no-color.org> asks for a value that
    /// is not empty.
    pub fn of(terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let moves = terminal && set("TERM").is_some_and(|term| term != "dumb");
        Self { terminal, moves, colours: moves && set("NO_COLOR").is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_say_what_a_terminal_can_do() {
        // a terminal, variables, whether it moves its cursor, whether it has colours
        type Row<'a> = (bool, &'a [(&'a str, &'a str)], bool, bool);
        let rows: [Row<'_>; 7] = [
            (true, &[("TERM", "xterm")], true, true),
            (true, &[("TERM", "xterm"), ("NO_COLOR", "")], true, true),
            (true, &[("TERM", "xterm"), ("NO_COLOR", "1")], true, false),
            (true, &[("TERM", "dumb")], false, false),
            (true, &[("TERM", "")], false, false),
            (true, &[], false, false),
            (false, &[("TERM", "xterm")], false, false),
        ];
        for (terminal, variables, moves, colours) in rows {
            let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
            assert_eq!(Screen::of(terminal, value), Screen { terminal, moves, colours }, "{variables:?}");
        }
    }
}
