//! The commands. A new one has a file of its own below this directory, and a variant of [`Command`].

mod cache;
mod completion;
mod copy;
mod create;
mod fetch;
mod frontend;
mod hosts;
mod inspect;
mod lock;
mod man;
mod precompile;
mod push;
mod referrers;
mod resolve;
mod serve;
mod tag;
mod tags;

use std::pin::Pin;

use clap::Subcommand;
use refkit_report::RunOutput;

use crate::arguments::{Format, LOCK, REFERENCE};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::logging::LogFormat;
use crate::output::{Output, Stdout};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints what a reference names now, pinned by its digest.
    ///
    /// Without --platform and --all-platforms that is the index, or the manifest where there is no index. With one
    /// --platform it is the manifest of that platform, with more or with --all-platforms a line for each.
    #[command(after_help = REFERENCE)]
    Resolve(resolve::Resolve),
    /// Prints what an image is: its index, its manifests with their platforms and sizes, and their attestations.
    ///
    /// --raw, --index, --manifest and --config print the exact bytes of one document instead.
    #[command(after_help = REFERENCE)]
    Inspect(inspect::Inspect),
    /// Prints the exact bytes of a manifest or an index, or of other content by its digest.
    ///
    /// No policy of the command decides about it; with --server, those of the server do.
    #[command(after_help = REFERENCE)]
    Fetch(fetch::Fetch),
    /// Lists the tags of a repository.
    #[command(after_help = REFERENCE)]
    Tags(tags::Tags),
    /// Lists the manifests about an image, such as signatures and SBOMs: their digests and types.
    #[command(after_help = REFERENCE)]
    Referrers(referrers::Referrers),
    /// Makes an index of images and indexes, or copies one of them, and pushes it to every destination.
    ///
    /// The rules are those of docker buildx imagetools create: one source that nothing changes is copied byte for byte,
    /// and attestations come along. The tags move last. Prints the new references, pinned by their digest; with
    /// --dry-run the exact bytes of the result.
    #[command(after_help = REFERENCE)]
    Create(create::Create),
    /// Copies an image between registries, image layouts and archives, byte for byte, with all that it refers to.
    ///
    /// Content that the destination has is not sent again, blobs are mounted where the registry can, and the tag moves
    /// last: a copy that was stopped leaves no broken tag, and a second one completes it. Prints the new reference,
    /// pinned by its digest.
    #[command(after_help = REFERENCE)]
    Copy(copy::Copy),
    /// Pushes an image of a layout to a registry, byte for byte.
    ///
    /// Prints the new reference, pinned by its digest.
    #[command(after_help = REFERENCE)]
    Push(push::Push),
    /// Gives an image more tags in its repository, byte for byte: one request for each tag.
    ///
    /// Prints the new references, pinned by the image's digest.
    #[command(after_help = REFERENCE)]
    Tag(tag::Tag),
    /// Locks the images that references and Dockerfiles name, by digest.
    ///
    /// Writes refkit.lock: a file for version control, which has for each image the digest that the policies decided on,
    /// and which policies these were. The same answers of the registries give the same bytes. Nothing is written if an
    /// image is denied or missing. Prints the references, pinned by their digest.
    #[command(after_help = LOCK)]
    Lock(lock::Lock),
    /// Resolves references for other programs, by the rules and policies of refkit.toml.
    ///
    /// A hangup (SIGHUP) reads the settings and the policies again; what is wrong is logged, and the old ones stay. SIGTERM
    /// and SIGINT end it, once its requests have ended. --check says what is wrong and where, and prints the effective
    /// settings with the file and the line of each.
    Serve(serve::Serve),
    /// Prints the hosts for an image, in order, with their settings and the files of these.
    Hosts(hosts::Hosts),
    /// Manages the caches of registries' content and of compiled policies.
    Cache(cache::Cache),
    /// Puts policies in front of BuildKit's frontends.
    Frontend(frontend::Frontend),
    /// Prints a script that completes the words of this command in a shell.
    Completion(completion::Completion),
    /// Writes the manual pages.
    #[command(hide = true)]
    Man(man::Man),
    /// Compiles the default policy ahead of time, and leaves the code beside this program.
    #[command(hide = true)]
    Precompile(precompile::Precompile),
}

impl Command {
    /// Returns the command with its arguments.
    pub fn get(&self) -> &dyn Run {
        match self {
            Self::Resolve(command) => command,
            Self::Inspect(command) => command,
            Self::Create(command) => command,
            Self::Copy(command) => command,
            Self::Push(command) => command,
            Self::Tag(command) => command,
            Self::Serve(command) => command,
            Self::Fetch(command) => command,
            Self::Tags(command) => command,
            Self::Referrers(command) => command,
            Self::Lock(command) => command,
            Self::Hosts(command) => command,
            Self::Cache(command) => command,
            Self::Frontend(command) => command,
            Self::Completion(command) => command,
            Self::Man(command) => command,
            Self::Precompile(command) => command,
        }
    }
}

/// A command with its arguments.
pub trait Run {
    /// Returns the image or directory of the command, for the report of an error.
    fn subject(&self) -> &str;

    /// Returns the format of the output.
    fn format(&self) -> Format {
        Format::Text
    }

    /// Returns how a command that serves logs; others log for people, with -v.
    fn log(&self) -> Option<LogFormat> {
        None
    }

    /// Runs the command.
    fn run(&self) -> Running<'_>;
}

/// A running command. It returns its output, or the error that stopped it before it had any.
pub type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Output>> + 'a>>;

/// Returns the output for an error that stopped a command.
pub fn failed(error: &anyhow::Error, command: &Command) -> Output {
    let error = CommandError::of(error);
    let failed = RunOutput::failed(error.message());
    let messages = failed.messages.clone();
    let lines = match command.get().format() {
        Format::Json if error.exit() == Exit::Failed => failed.json(command.get().subject().to_owned(), None),
        _ => Vec::new(),
    };
    Output { stdout: Stdout::Lines(lines), messages, exit: error.exit() }
}
