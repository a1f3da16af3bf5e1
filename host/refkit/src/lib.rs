//! Resolves container image references the way its user decides: the embedder's façade.
//!
//! A [`Resolver`] is made once: a source of content, a chain of policies, grants and limits. Every question is a
//! [`Session`]: one run of the chain, with its own record of what was met, one budget and one trace. What comes out is
//! an [`Outcome`] of which every descriptor was met in that run, with the verified bytes that were asked for.
#![deny(unsafe_code)]

mod absences;
mod answers;
mod budget;
mod candidates;
mod check;
mod embedded;
mod error;
mod grants;
mod host;
mod ledger;
mod outcome;
mod resolver;
mod session;
mod trace;

pub use budget::{Budget, Spent};
pub use candidates::{Candidate, Verdict};
pub use embedded::{DEFAULT_COMPONENT, default_policy};
pub use error::Error;
pub use grants::Grants;
pub use outcome::{Outcome, Resolution};
pub use refkit_sandbox::{
    Absence, AotCache, Denial, Description, Engine, EngineError, EngineOptions, ErrorCode, Failure, Image, Level,
    LoadError, Parts, Policy, Request, RunError, Selection, Setting, Usage,
};
pub use resolver::{Builder, Link, Resolver, SettingsError};
pub use session::Session;
pub use trace::{Answered, Event, Question, Span, Trace};
