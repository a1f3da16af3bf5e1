//! Reads `refkit.toml`: its path, its tables, and the position of each value.
//!
//! The crate knows the names of the tables ([`Table`]), and no key in them. Each table has an owner, such as the
//! registry client for `[registry."…"]`. The owner takes its table with [`Table::find`], reads the keys that it knows,
//! and refuses the others with [`Entry::keys`]. Every error names the file, the line and the column.
//!
//! ```
//! use std::path::Path;
//!
//! use refkit_config::{ConfigError, Document, Sourced, Table};
//!
//! /// Returns whether the client uses plain HTTP for each registry.
//! fn read(file: &Path, text: &str) -> Result<Vec<(String, Option<Sourced<bool>>)>, ConfigError> {
//!     let document = Document::parse(file, text)?;
//!     let mut registries = Vec::new();
//!     for registry in Table::Registry.find(&document)?.map_or(Ok(Vec::new()), |table| table.entries())? {
//!         let mut http = None;
//!         registry.keys(&["http"], |key| {
//!             http = Some(Sourced::boolean(key)?);
//!             Ok(())
//!         })?;
//!         registries.push((registry.key().to_owned(), http));
//!     }
//!     Ok(registries)
//! }
//!
//! let file = Path::new("/etc/refkit/refkit.toml");
//! let read_one = read(file, "[registry.\"r.example\"]\nhttp = true")?;
//! assert!(read_one[0].1.as_ref().is_some_and(|http| http.value));
//!
//! let error = read(file, "[registry.\"r.example\"]\nhtp = true").unwrap_err();
//! let wanted = "/etc/refkit/refkit.toml:2:1: registry.\"r.example\".htp is not known here; is http meant?";
//! assert_eq!(error.to_string(), wanted);
//! # Ok::<(), ConfigError>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod document;
mod duration;
mod entry;
mod error;
mod file;
mod nearest;
mod position;
mod size;
mod sourced;
mod table;

pub use document::Document;
pub use entry::Entry;
pub use error::ConfigError;
pub use file::{ConfigFile, read_text};
pub use position::Position;
pub use sourced::{Setting, Sourced};
pub use table::Table;
