//! `refkit.v1.ImageService`: options 1 and 2 of moby/buildkit issue #2944, and policies that callers bring.

mod answer;
mod explain;
mod load;
mod ran;
mod resolve;

pub use explain::explain;
pub use load::load;
pub use resolve::resolve;
