//! Logging to standard error: silent without `-v`, but for a command that serves.

use std::io::{self, Write};

use clap::ValueEnum;
use refkit_report::Escaped;
use tracing_subscriber::filter::LevelFilter;

/// The format of a server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object a line.
    Json,
}

/// Writes the events of the libraries to standard error: those of level info with one `-v`, debug with two, trace with
/// three. Without `-v` no subscriber is set, and an event costs nothing. A server logs info without `-v`, with the time.
pub fn start(verbose: u8, server: Option<LogFormat>) {
    let level = match verbose {
        0 if server.is_none() => return,
        0 | 1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let subscriber = tracing_subscriber::fmt().with_writer(|| EscapedStderr).with_max_level(level).with_ansi(false);
    // Nothing else in this process sets a subscriber, so this is the first one.
    let _ = match server {
        None => subscriber.without_time().try_init(),
        Some(LogFormat::Text) => subscriber.try_init(),
        Some(LogFormat::Json) => subscriber.json().flatten_event(true).with_writer(io::stderr).try_init(),
    };
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
