//! Makes and edits container images.
//!
//! - [`edit`] changes manifests, configs and indexes in place: what an edit does not name keeps its bytes.
//! - [`mod@diff`] says what differs between two images.
//! - [`layer`] makes layers, and [`layers`] finds files in those of an image.
//! - [`Destination`] reads where a new image goes.
//! - [`frontend`] is a recipe on top: the image of a BuildKit frontend with policies in front of it.
//!
//! ```
//! use refkit_images::edit::{Config, Manifest};
//! use refkit_images::layer::{File, Layer};
//! use refkit_oci::document::media_type::MANIFEST;
//! # let digest = |bytes: &[u8]| refkit_content::verify::digest(refkit_oci::Algorithm::Sha256, bytes);
//! # let old_config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
//! # let old_manifest = format!(
//! #     r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","digest":"{}","size":1}},"layers":[]}}"#,
//! #     digest(old_config)
//! # );
//! let motd = File { path: "/etc/motd".to_owned(), mode: 0o644, content: "hello\n".into() };
//! let layer = Layer::new(&[motd])?;
//!
//! let mut config = Config::read(old_config)?;
//! config.set_entrypoint(&["/bin/server".to_owned()])?;
//! config.push_layer(&layer.diff_id, "add a message")?;
//! let config = config.into_content("application/vnd.oci.image.config.v1+json");
//!
//! let mut manifest = Manifest::read(old_manifest.as_bytes())?;
//! manifest.set_config(&config.descriptor)?;
//! manifest.push_layer(&layer.descriptor(MANIFEST))?;
//! manifest.set_annotation("org.opencontainers.image.title", "server")?;
//! let manifest = manifest.into_content(MANIFEST);
//! assert_eq!(manifest.descriptor.size, manifest.bytes.len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

mod destination;
pub mod diff;
pub mod edit;
pub mod frontend;
pub mod layer;
pub mod layers;

pub use destination::{Destination, DestinationError};
pub use diff::diff;
