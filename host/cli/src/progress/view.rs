//! Writes progress to standard error: drawn again and again, or as lines of text.

use std::io::{self, Write};
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::display::Display;
use super::line;
use super::table::Table;

/// How often a plain display writes the sum.
const SUM: Duration = Duration::from_secs(5);

/// The lines are drawn at most so many times a second; the thread wants it ten times.
const DRAWN: u8 = 20;

/// What a display has shown.
pub struct View {
    display: Display,
    /// Exists once something is drawn.
    bar: Option<ProgressBar>,
    /// When a plain display wrote its last line.
    written: Duration,
    /// Whether anything was written.
    shown: bool,
}

impl View {
    /// Returns a display that has shown nothing.
    pub fn new(display: Display) -> Self {
        Self { display, bar: None, written: Duration::ZERO, shown: false }
    }

    /// Returns the text to show now, if there is one.
    pub fn text(&mut self, table: &mut Table, at: Duration) -> Option<String> {
        let running = at.saturating_sub(table.began()?);
        match self.display {
            Display::Drawn { delay, colours } if running >= delay => {
                Some(line::drawn(table, at, width(), colours).join("\n"))
            }
            Display::Plain { delay } if running >= delay => self.plain(table, at),
            _ => None,
        }
    }

    fn plain(&mut self, table: &mut Table, at: Duration) -> Option<String> {
        let mut lines: Vec<_> = table.ended().iter().map(line::of_ended).collect();
        let quiet_since = self.written.max(table.began()?);
        if lines.is_empty() && at.saturating_sub(quiet_since) >= SUM {
            lines.push(line::so_far(table, at));
        }
        if lines.is_empty() {
            return None;
        }
        self.written = at;
        Some(lines.join("\n"))
    }

    /// Shows a text. If standard error is closed, there is no other place for it.
    pub fn show(&mut self, text: &str) {
        self.shown = true;
        match self.display {
            Display::Drawn { .. } => self.bar.get_or_insert_with(bar).set_message(text.to_owned()),
            _ => {
                let _ = writeln!(io::stderr().lock(), "{text}");
            }
        }
    }

    /// Returns the lines that stay: none if nothing was shown and the copy was short.
    pub fn last(&mut self, table: &mut Table, at: Duration) -> Option<String> {
        let running = at.saturating_sub(table.began()?);
        let room = match self.display {
            Display::Drawn { .. } if self.shown => width().saturating_sub(1),
            Display::Plain { delay } if running >= delay => usize::MAX,
            _ => return None,
        };
        let ended = table.ended();
        let lines = ended.iter().map(line::of_ended).chain([line::last(&table.sum, running, room)]);
        Some(lines.collect::<Vec<_>>().join("\n"))
    }

    /// Removes what is drawn, and writes the lines that stay.
    pub fn end(self, last: Option<&str>) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        if let Some(last) = last {
            let _ = writeln!(io::stderr().lock(), "{last}");
        }
    }
}

/// Returns the columns of the terminal; 80 where it does not say.
fn width() -> usize {
    usize::from(Term::stderr().size().1)
}

/// Returns a bar of indicatif that is only its message. Each new message draws all lines.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(DRAWN));
    match ProgressStyle::with_template("{msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use refkit_content::copy::Step;

    use super::super::table::tests::{blob, ms, repository};
    use super::*;

    #[test]
    fn lines_of_text_are_written_when_a_blob_has_ended_or_after_five_seconds() {
        let (to, one, two) = (repository("a"), blob('1', 100), blob('2', 1_000_000));
        let mut table = Table::new(true);
        let mut view = View::new(Display::Plain { delay: Duration::ZERO });
        assert_eq!(view.text(&mut table, ms(60_000)), None);
        table.step(ms(60_000), &to, &one, Step::Present);
        table.step(ms(60_000), &to, &two, Step::Started);
        // milliseconds, the text
        let sum = "copied 0 blobs, 0 B at 0 B/s, 1 under way, 1 present";
        let rows = [
            (60_100, Some("111111111111 present, 100 B")),
            (60_200, None),
            (65_000, None),
            (65_100, Some(sum)),
            (65_200, None),
            (70_099, None),
            (70_100, Some(sum)),
        ];
        for (at, wanted) in rows {
            assert_eq!(view.text(&mut table, ms(at)).as_deref(), wanted, "{at}");
        }
        table.step(ms(70_500), &to, &two, Step::Done);
        let last =
            "222222222222 copied, 1 MB in 10.5 s (95.2 kB/s)\ncopied 1 blob, 1 MB in 11 s (90.9 kB/s), 1 present";
        assert_eq!(view.last(&mut table, ms(71_000)).as_deref(), Some(last));
    }

    #[test]
    fn a_terminal_shows_nothing_for_half_a_second() {
        let delay = Duration::from_millis(500);
        for display in [Display::Plain { delay }, Display::Drawn { delay, colours: false }] {
            let mut table = Table::new(display.lists_ended());
            let mut view = View::new(display);
            table.step(ms(1000), &repository("a"), &blob('1', 100), Step::Present);
            assert_eq!((view.text(&mut table, ms(1499)), view.last(&mut table, ms(1499))), (None, None), "{display:?}");
            assert!(view.text(&mut table, ms(1500)).is_some_and(|text| text.contains("present")), "{display:?}");
        }
    }
}
