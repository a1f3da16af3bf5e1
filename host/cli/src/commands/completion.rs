//! `refkit completion`: prints a script that completes this command's words.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::aot::{Generator, Shell, generate};

use super::{Run, Running};
use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::output::{Output, Stdout};

/// Arguments of `refkit completion`.
#[derive(Debug, Args)]
pub struct Completion {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Completed,
}

/// A shell whose words are completed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Completed {
    /// Load the script with: source <(refkit completion bash)
    Bash,
    /// Save the script as _refkit in a directory of $fpath
    Zsh,
    /// Load the script with: refkit completion fish | source
    Fish,
}

impl Run for Completion {
    fn subject(&self) -> &str {
        "the completion"
    }

    fn run(&self) -> Running<'_> {
        let shell = match self.shell {
            Completed::Bash => Shell::Bash,
            Completed::Zsh => Shell::Zsh,
            Completed::Fish => Shell::Fish,
        };
        let lines = script(shell).lines().map(str::to_owned).collect();
        Box::pin(async { Ok(Output { stdout: Stdout::Lines(lines), messages: Vec::new(), exit: Exit::Resolved }) })
    }
}

fn script(shell: impl Generator) -> String {
    let mut script = Vec::new();
    generate(shell, &mut visible(), "refkit", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the command line without the hidden commands, which the generator would complete as well.
fn visible() -> clap::Command {
    let whole = Arguments::command();
    let commands = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let visible = clap::Command::new("refkit").version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    visible.args(whole.get_arguments().cloned()).subcommands(commands)
}
