//! Tests of the command with registries.
#![forbid(unsafe_code)]

#[path = "cli/cached.rs"]
mod cached;
#[path = "cli/credentials.rs"]
mod credentials;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/frontend_places.rs"]
mod frontend_places;
#[path = "cli/frontend_registry.rs"]
mod frontend_registry;
#[path = "cli/grants.rs"]
mod grants;
#[path = "cli/hosts.rs"]
mod hosts;
#[path = "cli/lock.rs"]
mod lock;
#[path = "cli/lock_dockerfile.rs"]
mod lock_dockerfile;
#[path = "cli/lock_replay.rs"]
mod lock_replay;
#[path = "cli/logging.rs"]
mod logging;
#[path = "cli/nested.rs"]
mod nested;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/places.rs"]
mod places;
#[path = "cli/progress.rs"]
mod progress;
#[path = "cli/publish_all_tags.rs"]
mod publish_all_tags;
#[path = "cli/publish_along.rs"]
mod publish_along;
#[path = "cli/publish_copy.rs"]
mod publish_copy;
#[path = "cli/publish_create.rs"]
mod publish_create;
#[path = "cli/publish_interrupted.rs"]
mod publish_interrupted;
#[path = "cli/publish_present.rs"]
mod publish_present;
#[path = "cli/publish_report.rs"]
mod publish_report;
#[path = "cli/publish_sparse.rs"]
mod publish_sparse;
#[path = "cli/publish_stopped.rs"]
mod publish_stopped;
#[path = "cli/publish_tag.rs"]
mod publish_tag;
#[path = "cli/registries.rs"]
mod registries;
#[path = "cli/registry_failures.rs"]
mod registry_failures;
#[allow(dead_code)] // The tests of the server use the rest.
#[path = "server/rules.rs"]
mod rules;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/run.rs"]
mod run;
#[path = "cli/served.rs"]
mod served;
#[allow(dead_code)] // The tests of the server use the rest.
#[path = "server/stand.rs"]
mod stand;
#[path = "cli/terminal.rs"]
mod terminal;
