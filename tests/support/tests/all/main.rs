//! Tests of what other tests stand on.

mod api;
mod cdn;
mod faults;
mod nginx;
mod parts;
mod places;
mod real;
mod tokens;
