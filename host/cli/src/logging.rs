//! Logging to standard error: silent without `-v`.

use std::io::{self, Write};

use refkit_report::Escaped;
use tracing_subscriber::filter::LevelFilter;

/// Writes the events of the libraries to standard error: those of level info with one `-v`, debug with two, trace with
/// three. Without `-v` no subscriber is set, and an event costs nothing.
pub fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt().with_writer(|| EscapedStderr).with_max_level(level).with_ansi(false);
    // Nothing else in this process sets a subscriber, so this is the first one.
    let _ = subscriber.without_time().try_init();
}

/// Standard error, with each event as one escaped line: an event may contain the text of a registry.
struct EscapedStderr;

impl Write for EscapedStderr {
    /// The subscriber writes one event with each call.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        writeln!(io::stderr().lock(), "{}", Escaped(text.trim_end_matches('\n')))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
