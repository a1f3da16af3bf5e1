//! Resolves container image references the way its user decides: the embedder's façade.
//!
//! A [`Chain`] is loaded once: policies, their settings, and the default policy at the end. It makes a [`Resolver`] over
//! a source of content, with grants and limits. Every request is a [`Session`]: one run of the chain, with its own
//! observations, one budget and one trace. It ends in an [`Outcome`] of which the run observed every descriptor, with the
//! verified bytes that the request asked for.
//!
//! ```no_run
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use refkit::{Chain, Component, Components, Engine, EngineOptions, Outcome, Request};
//! use refkit_oci::Platform;
//!
//! /// Prints the manifest of one platform, where the policies allow it.
//! async fn print(source: Arc<dyn refkit_content::Source>) -> Result<(), Box<dyn Error>> {
//!     let engine = Engine::new(EngineOptions::default())?;
//!     let allow_list = Component::new("allow-list", std::fs::read("target/policies/allow-list.wasm")?);
//!     let settings = ["allow=docker.io/library/*".parse()?];
//!     let chain = Chain::load(&engine, Components::none().policy(allow_list), &settings).await?;
//!
//!     let platform: Platform = "linux/arm64".parse()?;
//!     let request = Request::new("alpine:3".parse()?).platform(platform.clone());
//!     match chain.resolver(source).resolve(request).await? {
//!         Outcome::Resolved(resolution) => match resolution.image(&platform) {
//!             Some(image) => println!("{}", resolution.reference.with_digest(image.manifest.digest.clone())),
//!             None => eprintln!("there is no image for that platform"),
//!         },
//!         Outcome::Denied { denials, .. } => eprintln!("{}", denials[0]),
//!     }
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod absences;
mod account;
mod answers;
pub mod artifact;
mod attribution;
mod budget;
mod candidates;
mod chain;
mod check;
mod delegate;
mod delegated;
mod embedded;
mod error;
mod grants;
mod host;
mod ledger;
pub mod lock;
mod observation;
mod once;
mod outcome;
pub mod platform;
mod publish;
pub mod record;
mod refusals;
mod resolver;
mod room;
mod run;
mod session;
pub mod settings;
mod trace;

pub use budget::{Budget, Spent};
pub use candidates::{Candidate, Verdict};
pub use chain::{Chain, ChainError, ChainOf, Component, Components, MissingSetting, PolicyIdentity, PublishingChain};
pub use delegate::{Delegate, Delegated};
pub use embedded::{
    DEFAULT_CODE, DEFAULT_COMPONENT, PUBLISH_CODE, PUBLISH_COMPONENT, default_code_beside, publish_code_beside,
};
pub use error::Error;
pub use grants::Grants;
pub use observation::{Answer, Call, Observation, ObservationsDocument, RecordedObservation};
pub use outcome::{Judged, Outcome, Refused, Resolution};
pub use publish::{PublishOutcome, PublishSession, Published, Publisher, WriteGrants};
pub use refkit_contract::{
    Absence, Annotation, AnnotationTarget, Content, Decision, Denial, Description, ErrorCode, Failure, Image, Level,
    Parts, PublishDecision, PublishRequest, PublishSource, Request, Resolved, Selection, Setting,
};
pub use refkit_sandbox::{
    AotCache, CompiledPolicy, Compiler, CompilerProcess, Engine, EngineError, EngineOptions, LoadError, Policy,
    PublishingPolicy, RunError, Shipped, Usage, World,
};
pub use refkit_sandbox::{aot, compiler};
pub use resolver::Resolver;
pub use session::Session;
pub use trace::{Event, PolicyDecision, Reason, RefusedImage, Span, Trace};
