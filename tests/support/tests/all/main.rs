//! Tests of what other tests stand on.

mod api;
mod faults;
mod places;
mod real;
mod tokens;
