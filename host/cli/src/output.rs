//! The output of a command, and its exit code.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use refkit_report::explain::Explained;
use refkit_report::{EscapedLines, RunOutput};

use crate::arguments::Format;
use crate::colours::coloured;
use crate::directories;
use crate::exit::Exit;

/// The output of a command, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// For standard output.
    pub stdout: Stdout,
    /// Lines for standard error, escaped already.
    pub messages: Vec<String>,
    /// The exit code.
    pub exit: Exit,
}

/// The standard output of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdout {
    /// Lines, escaped already.
    Lines(Vec<String>),
    /// The exact bytes of a document. A terminal, which obeys control characters, gets them escaped.
    Exact(Vec<u8>),
}

impl Output {
    /// Returns the output of a run as lines or as JSON. Messages begin with the explanation, if it is not in the JSON, then
    /// come the notes, which are escaped already, and then denials and errors. `requested` is the image as the user
    /// writes it.
    pub fn of_run(
        output: RunOutput,
        requested: String,
        explained: Option<&Explained>,
        notes: Vec<String>,
        format: Format,
    ) -> Self {
        let (exit, denials_and_errors) = (Exit::from(output.status), output.messages.clone());
        let (lines, explanation) = match format {
            Format::Text => (output.lines, explained.map(Explained::lines).unwrap_or_default()),
            Format::Json => (output.json(requested, explained), Vec::new()),
        };
        let messages = explanation.into_iter().chain(notes).chain(denials_and_errors).collect();
        Self { stdout: Stdout::Lines(lines), messages, exit }
    }

    /// Returns an output of nothing but messages, escaped already.
    pub fn of_messages(messages: Vec<String>) -> Self {
        Self { stdout: Stdout::Lines(Vec::new()), messages, exit: Exit::Resolved }
    }

    /// Returns the output of a command that a signal stopped.
    pub fn stopped(exit: Exit) -> Self {
        Self { stdout: Stdout::Lines(Vec::new()), messages: vec!["interrupted".to_owned()], exit }
    }

    /// Adds the output of another run of the same command: its lines, its messages, and the worse exit code of both.
    pub fn add(&mut self, other: Self) {
        match (&mut self.stdout, other.stdout) {
            (Stdout::Lines(lines), Stdout::Lines(more)) => lines.extend(more),
            (stdout, exact) => *stdout = exact,
        }
        self.messages.extend(other.messages);
        self.exit = self.exit.max(other.exit);
    }

    /// Writes everything, and returns the exit code.
    pub fn print(mut self) -> ExitCode {
        self.print_so_far();
        ExitCode::from(self.exit as u8)
    }

    /// Writes what there is so far, and keeps the exit code for what follows. A closed pipe is no error: its reader has
    /// read enough.
    pub fn print_so_far(&mut self) {
        if let Err(error) = self.stdout.write(&mut io::stdout().lock())
            && error.kind() != ErrorKind::BrokenPipe
        {
            let _ = writeln!(io::stderr(), "error: cannot write the answer: {error}");
            self.exit = self.exit.max(Exit::Failed);
        }
        self.stdout = Stdout::Lines(Vec::new());
        let mut messages = std::mem::take(&mut self.messages).join("\n");
        if !messages.is_empty() {
            messages.push('\n');
        }
        if directories::screen(&io::stderr()).colours {
            messages = coloured(&messages);
        }
        // If standard error is closed, there is no other place for the messages.
        let _ = io::stderr().lock().write_all(messages.as_bytes());
    }
}

impl Stdout {
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
