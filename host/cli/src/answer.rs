//! What a command leaves behind: bytes for standard output, lines for standard error, an exit code.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use crate::failure::Exit;
use refkit_report::EscapedLines;

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub output: Output,
    /// Lines for standard error, escaped already.
    pub messages: Vec<String>,
    /// How the process ends.
    pub exit: Exit,
}

/// What goes to standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Lines, escaped already.
    Lines(Vec<String>),
    /// A document's bytes, exactly; a terminal, which obeys bytes, gets them escaped.
    Exact(Vec<u8>),
}

impl Answer {
    /// Writes everything, and returns how the process ends. A reader that has gone away has had enough: no error.
    pub fn print(self) -> ExitCode {
        let mut exit = self.exit;
        if let Err(error) = self.output.write(&mut io::stdout().lock())
            && error.kind() != ErrorKind::BrokenPipe
        {
            let _ = writeln!(io::stderr(), "error: cannot write the answer: {error}");
            exit = exit.max(Exit::Failed);
        }
        let mut messages = self.messages.join("\n");
        if !messages.is_empty() {
            messages.push('\n');
        }
        // There is nobody left to tell.
        let _ = io::stderr().lock().write_all(messages.as_bytes());
        ExitCode::from(exit as u8)
    }
}

impl Output {
    fn write(&self, to: &mut (impl Write + IsTerminal)) -> io::Result<()> {
        match self {
            Self::Lines(lines) => {
                let mut text = lines.join("\n");
                if !text.is_empty() {
                    text.push('\n');
                }
                to.write_all(text.as_bytes())?;
            }
            Self::Exact(bytes) if to.is_terminal() => {
                writeln!(to, "{}", EscapedLines(String::from_utf8_lossy(bytes)))?;
            }
            Self::Exact(bytes) => to.write_all(bytes)?,
        }
        to.flush()
    }
}
