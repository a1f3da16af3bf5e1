//! Resolves container image references the way its user decides: the embedder's façade.
//!
//! A [`Resolver`] is made once: a source of content, a chain of policies, grants and limits. Every question is a
//! [`Session`]: one run of the chain, with its own record of what was met, one budget and one trace. What comes out is
//! an [`Outcome`] of which every descriptor was met in that run, with the verified bytes that were asked for.
//!
//! ```no_run
//! use std::collections::BTreeMap;
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use refkit::{Engine, EngineOptions, Link, Outcome, Parts, Policy, Request, Resolver, Selection};
//!
//! /// Prints the manifest of one platform, where the policies allow it.
//! async fn print(source: Arc<dyn refkit_content::Source>) -> Result<(), Box<dyn Error>> {
//!     let engine = Engine::new(EngineOptions::default())?;
//!     let allow_list = Policy::load(&engine, std::fs::read("target/policies/allow-list.wasm")?).await?;
//!     let settings = BTreeMap::from([("allow".to_owned(), "docker.io/library/*".to_owned())]);
//!     let default = refkit::default_policy(&engine).await?;
//!     let resolver = Resolver::builder(engine, source)
//!         .policy(Link::new(allow_list, settings)?)
//!         .policy(Link::new(default, BTreeMap::new())?)
//!         .build();
//!
//!     let request = Request {
//!         reference: "alpine:3".parse()?,
//!         selection: Selection::Platforms(vec!["linux/arm64".parse()?]),
//!         parts: Parts::IMAGES,
//!     };
//!     match resolver.resolve(request).await? {
//!         Outcome::Resolved(resolution) => match &resolution.images[0] {
//!             Ok(image) => println!("{}", resolution.reference.with_digest(image.manifest.digest.clone())),
//!             Err(_) => eprintln!("there is no image for that platform"),
//!         },
//!         Outcome::Denied { policy, denials } => eprintln!("denied by {policy}: {}", denials[0].message),
//!     }
//!     Ok(())
//! }
//! ```
#![deny(unsafe_code)]

mod absences;
mod account;
mod answers;
mod budget;
mod candidates;
mod check;
mod decided;
mod embedded;
mod error;
mod failures;
mod grants;
mod host;
mod ledger;
mod once;
mod outcome;
pub mod platform;
mod refusals;
mod resolver;
mod room;
mod session;
pub mod settings;
mod trace;
mod vouched;

pub use budget::{Budget, Spent};
pub use candidates::{Candidate, Verdict};
pub use embedded::{DEFAULT_CODE, DEFAULT_COMPONENT, default_policy, shipped_default_policy};
pub use error::Error;
pub use grants::Grants;
pub use outcome::{Judged, Outcome, Refused, Resolution};
pub use refkit_sandbox::{
    Absence, AotCache, Compiler, CompilerProcess, Denial, Description, Engine, EngineError, EngineOptions, ErrorCode,
    Failure, Image, Level, LoadError, Parts, Policy, Request, RunError, Selection, Setting, Shipped, Usage,
};
pub use refkit_sandbox::{aot, compiler};
pub use resolver::{Builder, Link, Resolver, SettingsError};
pub use session::Session;
pub use trace::{Answered, Event, Question, Span, Trace};
