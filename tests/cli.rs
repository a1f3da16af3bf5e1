//! The command, as a person and a script meet it.
#![forbid(unsafe_code)]

#[path = "cli/denials.rs"]
mod denials;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/failures.rs"]
mod failures;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/inspect.rs"]
mod inspect;
#[path = "cli/json.rs"]
mod json;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/registries.rs"]
mod registries;
#[path = "cli/resolve.rs"]
mod resolve;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/usage.rs"]
mod usage;
