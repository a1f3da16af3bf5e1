//! Text for people: trees and tables, numbers with their units, and what strangers said made harmless.

mod escape;
mod tree;
mod units;

pub use escape::{Escaped, EscapedJson, EscapedLines};
pub use tree::{Tree, table};
pub use units::{Bytes, Time};
