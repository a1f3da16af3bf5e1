//! Reads which images the build of a Dockerfile reads: those of `FROM`, `COPY --from`, `RUN --mount=from` and the
//! frontend's own, as the Dockerfile reference and BuildKit 0.34.2 define them.
//!
//! It follows BuildKit's parser in what decides about images: directives, continued lines, comments, heredocs, flags,
//! global `ARG`s and their substitution, stage names and their order. It does not check what else an instruction says.
//! An instruction that the reference does not have is an error, because a frontend may read images for it.
//!
//! Named contexts and the triggers (`ONBUILD`) of base images are not in a Dockerfile; [`triggers`] reads the latter.
//!
//! ```
//! use refkit_dockerfile::{Build, Dockerfile};
//!
//! let text = "ARG TAG=3.20\nFROM alpine:${TAG} AS base\nFROM base\nCOPY --from=busybox:1 /bin/sh /sh\n";
//! let dockerfile = Dockerfile::parse(text)?;
//! let mut build = Build::for_platform("linux/amd64".parse()?);
//! build.args.insert("TAG".to_owned(), "3.21".to_owned());
//!
//! let images = dockerfile.images(&build)?;
//! let names: Vec<String> = images.iter().map(|image| image.reference.familiar()).collect();
//! assert_eq!(names, ["alpine:3.21", "busybox:1"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod build;
mod directive;
mod error;
mod flags;
mod heredoc;
mod images;
mod instruction;
mod lex;
mod line;
mod pattern;
mod stage;
mod variables;

pub use build::{Build, Stages};
pub use error::{DockerfileError, Problem};
pub use images::{ImageUse, Instruction as UsedBy};

use directive::Directives;
use stage::Stage;
use variables::Assignment;

/// A Dockerfile, as far as it decides about images.
#[derive(Debug, Clone)]
pub struct Dockerfile {
    syntax: Option<(u32, String)>,
    escape: char,
    /// The `ARG`s before the first `FROM`, with their lines.
    args: Vec<(u32, Assignment)>,
    /// At least one.
    stages: Vec<Stage>,
}

impl Dockerfile {
    /// Parses a Dockerfile.
    ///
    /// # Errors
    /// [`DockerfileError`] with the line: a directive that is repeated, an unknown instruction, a `FROM`, an `ARG` or a flag
    /// that is malformed, a heredoc without an end, or a file without a `FROM`.
    pub fn parse(text: &str) -> Result<Self, DockerfileError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Directives { escape } = Directives::read(text)?;
        let (args, stages) = stage::read(line::instructions(text, escape)?, escape)?;
        Ok(Self { syntax: directive::syntax(text), escape, args, stages })
    }

    /// Returns the frontend that the file names (`# syntax=`), as it is written.
    pub fn syntax(&self) -> Option<&str> {
        self.syntax.as_ref().map(|(_, syntax)| syntax.as_str())
    }
}

/// Returns the images that the triggers of a base image read (`OnBuild` of its config), each as it is written.
///
/// # Errors
/// As [`Dockerfile::parse`]; the lines are those of the trigger.
pub fn triggers(triggers: &[String]) -> Result<Vec<String>, DockerfileError> {
    let mut names = Vec::new();
    for trigger in triggers {
        for instruction in line::instructions(trigger, '\\')? {
            let read = stage::sources(&instruction)?;
            names.extend(read.into_iter().map(|source| source.name));
        }
    }
    Ok(names)
}
