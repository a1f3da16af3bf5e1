//! Which display of progress a command has.

use std::time::Duration;

use super::{How, ProgressArguments, Screen};

/// How long a copy runs before a terminal shows anything.
const DELAY: Duration = Duration::from_millis(500);

/// A display of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// Nothing.
    None,
    /// Lines that are drawn again and again.
    Drawn {
        /// How long the copy runs before.
        delay: Duration,
        /// Whether the lines have colours.
        colours: bool,
    },
    /// Lines of text, one after the other.
    Plain {
        /// How long the copy runs before.
        delay: Duration,
    },
}

impl Display {
    /// Returns the display for the arguments. If the command also logs to standard error, nothing is drawn there: the
    /// log would break the lines.
    pub fn of(arguments: &ProgressArguments, screen: Screen, logs: bool) -> Self {
        match arguments.progress {
            _ if arguments.quiet => Self::None,
            How::None => Self::None,
            How::Plain => Self::Plain { delay: Duration::ZERO },
            How::Auto if !screen.terminal => Self::None,
            How::Auto if logs || !screen.moves => Self::Plain { delay: DELAY },
            How::Auto => Self::Drawn { delay: DELAY, colours: screen.colours },
        }
    }

    /// Returns whether it lists the blobs that are finished.
    pub fn lists_ended(self) -> bool {
        matches!(self, Self::Plain { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_and_the_screen_decide() {
        let pipe = Screen { terminal: false, moves: false, colours: false };
        let dumb = Screen { terminal: true, ..pipe };
        let terminal = Screen { moves: true, colours: true, ..dumb };
        let drawn = |colours| Display::Drawn { delay: DELAY, colours };
        let (late, plain) = (Display::Plain { delay: DELAY }, Display::Plain { delay: Duration::ZERO });
        // how, quiet, the screen, whether the command logs
        let rows = [
            (How::Auto, false, terminal, false, drawn(true)),
            (How::Auto, false, Screen { colours: false, ..terminal }, false, drawn(false)),
            (How::Auto, false, terminal, true, late),
            (How::Auto, false, dumb, false, late),
            (How::Auto, false, pipe, false, Display::None),
            (How::Auto, false, pipe, true, Display::None),
            (How::Auto, true, terminal, false, Display::None),
            (How::Plain, false, terminal, false, plain),
            (How::Plain, false, pipe, false, plain),
            (How::None, false, terminal, false, Display::None),
        ];
        for (progress, quiet, screen, logs, wanted) in rows {
            let found = Display::of(&ProgressArguments { progress, quiet }, screen, logs);
            assert_eq!(found, wanted, "{progress:?} {quiet} {screen:?} {logs}");
        }
    }
}
