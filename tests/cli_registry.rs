//! The command and registries.
#![forbid(unsafe_code)]

#[path = "cli/grants.rs"]
mod grants;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/places.rs"]
mod places;
#[path = "cli/registries.rs"]
mod registries;
#[path = "cli/registry_failures.rs"]
mod registry_failures;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/run.rs"]
mod run;
