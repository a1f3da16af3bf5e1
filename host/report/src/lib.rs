//! What a person or a program reads about RefKit's answers: escaped text, trees, tables, units, and the explanation of
//! a run. The command, the frontend and the server print through this crate, so that one answer reads the same
//! everywhere.
#![forbid(unsafe_code)]

mod escape;
pub mod explain;
mod tree;
pub mod units;

pub use escape::{Escaped, EscapedJson, EscapedLines};
pub use tree::{Tree, table};
