//! Tests of the command with image layouts.
#![forbid(unsafe_code)]

#[path = "cli/colours.rs"]
mod colours;
#[path = "cli/compiling.rs"]
mod compiling;
#[path = "cli/completion.rs"]
mod completion;
#[path = "cli/denials.rs"]
mod denials;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/failures.rs"]
mod failures;
#[path = "cli/frontend.rs"]
mod frontend;
#[path = "cli/frontend_check.rs"]
mod frontend_check;
#[path = "cli/frontend_errors.rs"]
mod frontend_errors;
#[path = "cli/frontend_layers.rs"]
mod frontend_layers;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/frontend_places.rs"]
mod frontend_places;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/inspect.rs"]
mod inspect;
#[path = "cli/json.rs"]
mod json;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/places.rs"]
mod places;
#[path = "cli/resolve.rs"]
mod resolve;
#[allow(dead_code)] // The other target uses the rest.
#[path = "cli/run.rs"]
mod run;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/usage.rs"]
mod usage;
