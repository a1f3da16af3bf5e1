//! Tests of `refkit serve` as a process: it listens on loopback, and each test ends its own by its id.
#![forbid(unsafe_code)]

#[path = "serve/check.rs"]
mod check;
#[path = "serve/listeners.rs"]
mod listeners;
#[path = "serve/load.rs"]
mod load;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "cli/places.rs"]
mod places;
#[path = "serve/reload.rs"]
mod reload;
#[path = "serve/request.rs"]
mod request;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "cli/run.rs"]
mod run;
#[path = "serve/served.rs"]
mod served;
#[path = "serve/stop.rs"]
mod stop;
#[path = "serve/tls.rs"]
mod tls;
